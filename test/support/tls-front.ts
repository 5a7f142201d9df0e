import net from 'node:net';
import tls, { type TlsOptions } from 'node:tls';

export interface TlsFront {
  readonly port: number;
  /** Connections whose handshake succeeded. */
  handshakes(): number;
  close(): Promise<void>;
}

/** Speaks TLS on a free port of 127.0.0.1, and passes what it hears on to a port that does not. */
export async function startTlsFront(behind: number, options: TlsOptions): Promise<TlsFront> {
  let handshakes = 0;
  const open = new Set<net.Socket>();
  const server = tls.createServer(options, (socket) => {
    handshakes += 1;
    const inner = net.connect(behind, '127.0.0.1');
    for (const [one, other] of [
      [socket, inner],
      [inner, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
    }
    socket.pipe(inner);
    inner.pipe(socket);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    handshakes: () => handshakes,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
