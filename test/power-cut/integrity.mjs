// Prints what SQLite thinks of a database. In a process of its own, because a connection may outlive its close() until its
// statements are collected as garbage, and would then change the files under whoever works on them.
import { loadSqlite } from '../../packages/hub/dist/store/sqlite/sqlite-driver.js';

const database = (await loadSqlite())(process.argv[2]);
try {
  process.stdout.write(Object.values(database.prepare('PRAGMA integrity_check').get())[0]);
} catch (error) {
  process.stdout.write(error.message);
}
