export { advertise, type AdvertiseOptions, type Middleware } from './advertise.js';
export {
  createPublisher,
  type Published,
  type PublishedContent,
  type Publisher,
  type PublisherOptions,
  type PublishOptions,
} from './create-publisher.js';
