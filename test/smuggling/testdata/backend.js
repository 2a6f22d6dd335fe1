// SPDX-License-Identifier: Apache-2.0
// A backend of Node's own server: node backend.js PORT. It writes a line of JSON for each request that it has seen the
// end of, before it answers, and for each one that it refuses. Texts are one character for each byte.
'use strict';
const http = require('http');
const crypto = require('crypto');
const fs = require('fs');

const say = (line) => fs.writeSync(1, JSON.stringify(line) + '\n');

const server = http.createServer({ maxHeaderSize: 256 << 10, keepAliveTimeout: 300000, requestTimeout: 0 }, (request, response) => {
  const at = (name) => request.headers[name] || '';
  const lines = [];
  for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push([request.rawHeaders[i], request.rawHeaders[i + 1]]);
  let path = '';
  try {
    path = unescape(new URL('http://x' + request.url).pathname);
  } catch (e) {
    path = 'no path: ' + e.message;
  }
  const report = {
    port: request.socket.remotePort, id: at('x-request-id'), method: request.method, target: request.url, host: at('host'), path, lines,
  };
  const answer = () => {
    response.setHeader('X-Saw', at('x-request-id'));
    response.end(at('x-request-id') + '\n');
  };
  if (path.startsWith('/early')) {
    say({ ...report, early: true });
    answer();
    return;
  }
  const hash = crypto.createHash('sha256');
  let length = 0;
  request.on('data', (data) => { length += data.length; hash.update(data); });
  request.on('error', () => {});
  request.on('end', () => {
    say({ ...report, length, sum: hash.digest('hex'), whole: true });
    answer();
  });
});
server.on('clientError', (error, socket) => {
  if (!/^HPE_/.test(error.code)) { // the parser has found nothing: the connection has ended
    socket.destroy();
    return;
  }
  say({ port: socket.remotePort, refused: error.code });
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
});
server.listen(Number(process.argv[2]), '127.0.0.1');
