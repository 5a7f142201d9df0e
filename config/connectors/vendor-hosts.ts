/** A service of a vendor that connectors ask. */
export type VendorService =
  | 's3'
  | 'sqs'
  | 'azure-storage'
  | 'azure-suffix'
  | 'entra'
  | 'graph'
  | 'google'
  | 'token-keys';

const REGION = '[a-z]{2}(?:-[a-z]+)+-\\d';
const ENTRA = /^login\.(?:microsoftonline\.com|microsoftonline\.us|chinacloudapi\.cn|partner\.microsoftonline\.cn)$/;

/**
 * Hosts that vendors serve each service under, each whole: nobody else can have a name that fits. Where customers choose a part of a name
 * (load balancers, machines), it is not among these. A host of one service is none of another: where customers' own buckets are served, a login
 * would be led on to wherever the bucket says.
 */
const HOSTS: Readonly<Record<VendorService, readonly RegExp[]>> = {
  // Also of a bucket, dual stack, accelerated, FIPS.
  s3: [
    new RegExp(
      `^(?:[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\\.)?s3(?:-fips|-accelerate)?(?:[.-](?:dualstack|${REGION}))*\\.amazonaws\\.com(?:\\.cn)?$`,
    ),
  ],
  sqs: [new RegExp(`^(?:sqs(?:-fips)?\\.${REGION}|${REGION}\\.queue|queue)\\.amazonaws\\.com(?:\\.cn)?$`)],
  'azure-storage': [
    /^[a-z0-9]{3,24}(?:-secondary)?\.(?:blob|queue|dfs)\.core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/,
  ],
  // What an account's host ends with.
  'azure-suffix': [/^core\.(?:windows\.net|chinacloudapi\.cn|usgovcloudapi\.net)$/],
  entra: [ENTRA],
  graph: [/^(?:graph\.microsoft\.(?:com|us)|dod-graph\.microsoft\.us|microsoftgraph\.chinacloudapi\.cn)$/],
  google: [/^(?:[a-z0-9-]+\.)*googleapis\.com$/],
  // Where the keys lie that tokens of webhooks are signed with.
  'token-keys': [ENTRA, /^www\.googleapis\.com$/],
};

/** Whether a host, in lower case, is one of the vendor's own for this service. */
export function isVendorHost(host: string, service: VendorService): boolean {
  return HOSTS[service].some((vendor) => vendor.test(host));
}
