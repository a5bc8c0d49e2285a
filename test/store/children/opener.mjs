// Opens and closes a store as fast as it can, for so many milliseconds. Usage: opener.mjs DIST STORE MS
const [dist, path, ms] = process.argv.slice(2);
const { lmdbStore } = await import(`${dist}/src/store/lmdb.js`);
const end = performance.now() + Number(ms);
while (performance.now() < end) await lmdbStore({ path }).close();
