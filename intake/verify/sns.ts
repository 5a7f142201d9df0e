import { createVerify, X509Certificate } from 'node:crypto';
import { type Fields, parseFields } from '../../domain/loose-json.ts';
import { DeliveryError } from '../delivery.ts';
import type { VendorGet } from './vendor-get.ts';

export const TOPIC_ARN = /^arn:(aws|aws-cn|aws-us-gov):sns:([a-z0-9-]{1,32}):\d{12}:[A-Za-z0-9_-]{1,256}(?:\.fifo)?$/;
const CERTIFICATE_PATH = /^\/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem$/;
const MAX_CERTIFICATE_BYTES = 64 * 1024;
/** Certificates kept. There is one host a topic, which changes its certificate about once a year. */
const MAX_CERTIFICATES = 16;
const MAX_CONFIRMATION_BYTES = 64 * 1024;
/** SNS gives up a delivery after an hour at most. */
const OLDEST_MS = 2 * 3_600_000;
const MAX_AHEAD_MS = 15 * 60_000;

/** Fields that are signed, each with what it may be: no field can hold a line that would be read as the next one. */
const ID = /^[0-9a-f-]{8,64}$/i;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const TOKEN = /^[0-9a-f]{32,1024}$/i;
const LINE = /^[^\n]{0,4096}$/;

export interface SnsMessage {
  readonly type: 'Notification' | 'SubscriptionConfirmation' | 'UnsubscribeConfirmation';
  readonly id: string;
  readonly at: string;
  readonly message: string;
  /** Of the two confirmations. */
  readonly token?: string;
}

/**
 * Messages of one SNS topic. The certificate comes from SNS's own host in the topic's region, and from nowhere else.
 * @param topic its ARN
 */
export class SnsTopic {
  readonly #topic: string;
  readonly #host: string;
  readonly #get: VendorGet;
  readonly #now: () => number;
  readonly #certificates = new Map<string, Promise<X509Certificate>>();

  constructor(topic: string, get: VendorGet, now: () => number = Date.now) {
    const [, partition, region] = TOPIC_ARN.exec(topic) ?? [];
    if (region === undefined) throw new TypeError(`${topic} is no ARN of a topic`);
    this.#topic = topic;
    this.#host = `sns.${region}.amazonaws.com${partition === 'aws-cn' ? '.cn' : ''}`;
    this.#get = get;
    this.#now = now;
  }

  /** @throws DeliveryError `unverified`, `refused` for another topic, `unavailable` */
  async verify(body: string): Promise<SnsMessage> {
    const given = parseFields(body);
    if (typeof given?.TopicArn !== 'string') throw bad('it is none');
    // Told first, so that no certificate is asked for on behalf of topics that are not ours.
    if (given.TopicArn !== this.#topic) throw new DeliveryError('refused', 'the message is of another topic');
    const { message, signed } = parts(given);
    const certificate = await this.#certificate(given.SigningCertURL);
    const algorithm = { '1': 'RSA-SHA1', '2': 'RSA-SHA256' }[String(given.SignatureVersion)];
    if (algorithm === undefined || typeof given.Signature !== 'string')
      throw bad('its signature is of no known version');
    const { publicKey } = certificate;
    if (publicKey.asymmetricKeyType !== 'rsa') throw bad('the certificate is not of RSA');
    const good = createVerify(algorithm).update(signed, 'utf8').verify(publicKey, given.Signature, 'base64');
    if (!good) throw bad('the signature is not good');
    const age = this.#now() - Date.parse(message.at);
    if (!(age <= OLDEST_MS && age >= -MAX_AHEAD_MS)) throw bad('the message is too old, or of the future');
    return message;
  }

  /**
   * Confirms the subscription. The address is made of the configured topic and the signed token: what the message calls its
   * SubscribeURL is never visited. @throws DeliveryError `unavailable`
   */
  async confirm({ token }: SnsMessage): Promise<void> {
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: this.#topic, Token: token ?? '' });
    await this.#get(new URL(`https://${this.#host}/?${query}`), MAX_CONFIRMATION_BYTES);
  }

  async #certificate(address: unknown): Promise<X509Certificate> {
    const url = typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;
    // Compared as it was written: nothing that a parser would mend passes.
    const isOurs =
      url !== undefined && address === `https://${this.#host}${url.pathname}` && CERTIFICATE_PATH.test(url.pathname);
    if (!isOurs) throw bad('its certificate lies elsewhere than at SNS');
    let found = this.#certificates.get(url.href);
    if (found === undefined) {
      if (this.#certificates.size >= MAX_CERTIFICATES) this.#certificates.clear();
      found = this.#get(url, MAX_CERTIFICATE_BYTES).then(parsed);
      this.#certificates.set(url.href, found);
      found.catch(() => this.#certificates.delete(url.href));
    }
    const certificate = await found;
    const now = this.#now();
    if (now < Date.parse(certificate.validFrom) || now > Date.parse(certificate.validTo)) {
      throw bad('its certificate is not valid now');
    }
    return certificate;
  }
}

function parsed(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new DeliveryError('unavailable', 'SNS gave no certificate', { cause });
  }
}

/** The message, and the text that its signature is of. @throws DeliveryError `unverified` */
function parts(given: Fields): { readonly message: SnsMessage; readonly signed: string } {
  const type = given.Type;
  const isConfirmation = type === 'SubscriptionConfirmation' || type === 'UnsubscribeConfirmation';
  if (!isConfirmation && type !== 'Notification') throw bad('it is of no known type');
  const id = matching(given.MessageId, ID, 'MessageId');
  const at = matching(given.Timestamp, TIME, 'Timestamp');
  const message = typeof given.Message === 'string' ? given.Message : undefined;
  if (message === undefined) throw bad('it has no Message');
  const hasSubject = !isConfirmation && given.Subject !== undefined && given.Subject !== null;
  const token = isConfirmation ? matching(given.Token, TOKEN, 'Token') : undefined;
  const named: readonly (readonly [string, string])[] = [
    ['Message', message],
    ['MessageId', id],
    ...(hasSubject ? [['Subject', matching(given.Subject, LINE, 'Subject')] as const] : []),
    ...(isConfirmation ? [['SubscribeURL', matching(given.SubscribeURL, LINE, 'SubscribeURL')] as const] : []),
    ['Timestamp', at],
    ...(token === undefined ? [] : [['Token', token] as const]),
    ['TopicArn', String(given.TopicArn)],
    ['Type', type],
  ];
  const signed = named.map(([name, value]) => `${name}\n${value}\n`).join('');
  return { message: { type, id, at, message, ...(token !== undefined && { token }) }, signed };
}

function matching(value: unknown, pattern: RegExp, name: string): string {
  if (typeof value === 'string' && pattern.test(value)) return value;
  throw bad(`its ${name} is none`);
}

function bad(why: string): DeliveryError {
  return new DeliveryError('unverified', `a message of SNS: ${why}`);
}
