export * from '@websub/subscriber';
