// SPDX-License-Identifier: Apache-2.0
'use strict';
const fs = require('fs');
const http = require('http');
const zlib = require('zlib');
const crypto = require('crypto');
const { spawnSync } = require('child_process');
const { Worker } = require('worker_threads');
fs.mkdirSync('n');
fs.writeFileSync('n/a', 'x'.repeat(10000));
fs.renameSync('n/a', 'n/b');
fs.symlinkSync('b', 'n/l');
fs.readFileSync('n/l');
fs.rmSync('n/b');
spawnSync('sh', ['-c', 'echo hi']);
zlib.gzipSync(Buffer.alloc(100000));
crypto.randomBytes(32);
const worker = new Worker('require("fs").statSync("/etc/hostname")', { eval: true });
worker.on('exit', () => {
  const server = http.createServer((q, s) => s.end('hello'));
  server.listen(0, '127.0.0.1', () => {
    http.get({ port: server.address().port, host: '127.0.0.1', agent: false }, (r) => {
      r.resume();
      r.on('end', () => { server.close(() => process.exit(6)); });
    });
  });
});
