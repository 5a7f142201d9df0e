/** The health check of the image: 0 when the API of this container answers. With TLS, when it shows its certificate. */
import tls from 'node:tls';

const { API_PORT, USE_TLS, DSXCONNECT_USE_TLS } = process.env;
const port = Number(API_PORT);
const secure = /^(on|true|yes|1)$/i.test((USE_TLS || DSXCONNECT_USE_TLS || '').trim());

/** The certificate is of the name that callers know, not of loopback; and a caller's may be asked for. */
function shakesHands(): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', reject);
  });
}

const answers = secure ? await shakesHands() : (await fetch(`http://127.0.0.1:${port}/dsx-connect/api/v1/healthz`)).ok;
process.exit(answers ? 0 : 1);
