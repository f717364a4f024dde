// vscode-jsonrpc at the other end: node vscode.js client|server ADDRESS
// ADDRESS is the path of a socket, or HOST:PORT.
const net = require('net');
const rpc = require('vscode-jsonrpc/node');

const [role, address] = process.argv.slice(2);
const tcp = address.startsWith('/') || address.startsWith('\\') ? null : address.split(':');
const where = tcp ? { host: tcp[0], port: Number(tcp[1]) } : { path: address };

function connection(socket) {
  const c = rpc.createMessageConnection(new rpc.StreamMessageReader(socket), new rpc.StreamMessageWriter(socket));
  c.onError(e => { console.log('broken', e); process.exit(1); });
  c.onRequest('Oracle.Answer', question => question + ' 42');
  return c;
}

async function failure(call) {
  try { await call; } catch (e) { return e; }
  throw new Error('it did not fail');
}

async function client(c) {
  console.log('sum', await c.sendRequest('Calc.Add', 1, 2));
  console.log('moved', JSON.stringify(await c.sendRequest('Calc.Move', { X: 1, Y: 2 })));
  const e = await failure(c.sendRequest('Calc.Div', 1, 0));
  console.log('failed', e.code, e.message, JSON.stringify(e.data));
  console.log('missing', (await failure(c.sendRequest('Calc.Nothing'))).code);

  for (let i = 0; i < 100; i++) c.sendNotification('Calc.Note', String(i));
  let notes;
  do { notes = await c.sendRequest('Calc.Notes'); } while (!notes || notes.length < 100);
  console.log('in order', notes.every((n, i) => n === String(i)));

  const all = await Promise.all(Array.from({ length: 1000 }, (_, i) => c.sendRequest('Calc.Add', i, 1)));
  console.log('all', all.every((n, i) => n === i + 1));

  const source = new rpc.CancellationTokenSource();
  const blocked = c.sendRequest('Calc.Block', source.token);
  const other = c.sendRequest('Calc.Slow', 20);
  source.cancel();
  console.log('cancelled', (await failure(blocked)).code, await other);
  console.log('answered', await c.sendRequest('Calc.Ask', 'what?'));
  console.log('items', JSON.stringify(await c.sendRequest('Calc.Count', 3)));
  c.end();
}

function server(c) {
  c.onRequest('Calc.Add', (a, b) => a + b);
  c.onRequest('Calc.Div', () => new rpc.ResponseError(42, 'division by zero', { a: 1 }));
  c.onRequest('Calc.Ask', async question => await c.sendRequest('Oracle.Answer', question) + '!');
  c.onRequest('Calc.Block', token => new Promise((_, reject) => {
    console.log('entered');
    token.onCancellationRequested(() => {
      console.log('cancelled');
      reject(new rpc.ResponseError(rpc.LSPErrorCodes?.RequestCancelled ?? -32800, 'cancelled'));
    });
  }));
  c.onNotification('Calc.Note', text => console.log('note', text));
}

if (role === 'client') {
  const socket = net.connect(where, () => {
    const c = connection(socket);
    c.listen();
    client(c).catch(e => { console.log('error', e); process.exit(1); });
  });
} else {
  const listener = net.createServer(socket => {
    const c = connection(socket);
    server(c);
    c.listen();
  });
  listener.listen(where, () => console.log('listening', tcp ? listener.address().port : ''));
  process.stdin.on('end', () => process.exit(0)).resume();
}
