import Agent from 'undici/lib/dispatcher/agent.js';
import buildConnector from 'undici/lib/core/connect.js';
import errors from 'undici/lib/core/errors.js';

/**
 * The parts of undici that send. Its index loads fetch, WebSocket, caches and mocks as well, a tenth of a hub's start, and takes
 * the place of the dispatcher behind the program's own `fetch`.
 */
export { Agent, buildConnector, errors };
