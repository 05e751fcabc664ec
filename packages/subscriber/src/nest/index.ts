export { WebSubModule } from './web-sub.module.js';
export type { WebSubModuleOptions } from './module-options.js';
