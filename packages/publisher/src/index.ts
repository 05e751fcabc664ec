export type { ErrorCode, HttpClient } from '@websub/shared';
export { WebSubError } from '@websub/shared';
export { advertise, type AdvertiseOptions, type PageRequest, type PageResponse } from './advertise.js';
export {
  createPublisher,
  type Published,
  type Publisher,
  type PublisherOptions,
  type PublishOptions,
} from './publisher.js';
