/** Contract suites of the hub's ports: whoever writes another store runs them against it. */
export type { ContractCase, Open } from './contract-case.js';
export { consumersContract } from './consumers-contract.js';
export { credentialsContract } from './credentials-contract.js';
export { logContract } from './log-contract.js';
export { MemoryConsumers } from './memory-consumers.js';
export { MemoryLog } from './memory-log.js';
export { placesContract } from './places-contract.js';
export { registryContract } from './registry-contract.js';
export type { RegistryUnderTest } from './registry-under-test.js';
