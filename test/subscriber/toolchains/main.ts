import { observe } from './fixture.js';

console.log(JSON.stringify(await observe()));
