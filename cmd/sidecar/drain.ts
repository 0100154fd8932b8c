import { connect } from 'node:net';

/**
 * The sidecar's preStop hook, a program of its own so that it starts in no time: asks the sidecar at its Unix socket to
 * drain, and exits 0 when it has. The kubelet bounds it by the pod's grace period.
 */
const path = process.argv[2];
if (path === undefined) end(2, 'usage: drain <socket>');
let answer = '';
const socket = connect(path);
socket.setEncoding('latin1').on('data', (text: string) => {
  answer += text;
});
socket.on('error', (error) => end(1, `${path}: ${error.message}; is the sidecar running?`));
socket.on('close', () => {
  if (answer.trim() === 'drained') process.exit(0);
  end(1, `${path}: the sidecar ended before it had drained`);
});

function end(code: number, message: string): never {
  process.stderr.write(`drain: ${message}\n`);
  process.exit(code);
}
