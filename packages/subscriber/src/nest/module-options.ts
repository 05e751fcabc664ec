import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ListenerOptions } from '../listener-options.js';

/**
 * The options of a listener, but for what the application does itself: it listens, it makes the services, it stops.
 * Without `publicUrl` hubs are given `http://127.0.0.1:port`, for development on one machine. Without `logger` it is
 * Nest's.
 */
export type WebSubModuleOptions = Omit<ListenerOptions, 'container' | 'host' | 'signals'>;

export const {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE: FOR_ROOT_OPTIONS,
} = new ConfigurableModuleBuilder<WebSubModuleOptions>()
  .setClassMethodName('forRoot')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();
