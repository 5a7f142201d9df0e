import * as schemas from '../access-schemas.ts';
import type { ConnectorKeyAnswer } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { GRACE_MS, RotationError } from '../old/remotes.ts';
import { ApiProblem } from '../problems.ts';
import { connectorParams } from '../request-schemas.ts';
import { type Route, route } from '../route.ts';

/** The keys that remote connectors sign with. Their secrets are handed to the connectors alone, when they register. */
export function connectorKeyRoutes({ remote }: Pick<ApiDeps, 'remote'>): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/connectors/:id/key/rotate',
      summary:
        'Gives a remote connector a new key, which it gets with its next heartbeat. The one before counts no more after a while.',
      role: 'admin',
      params: connectorParams,
      json: schemas.rotateConnectorKeyBody,
      optionalBody: true,
      answers: { 201: schemas.connectorKeyAnswer },
      problems: ['connector_not_found', 'signing_off', 'key_rotating', 'ledger_unavailable', 'ledger_full'],
      handle: async ({ params: { id }, body: { graceSeconds = GRACE_MS / 1000 } }) => {
        const uuid = id.toLowerCase();
        try {
          if (remote === undefined) throw notRemote(id);
          const { key, before } = await remote.remotes.rotate(uuid, graceSeconds * 1000);
          const body: ConnectorKeyAnswer = { connector: uuid, id: key, replaces: before.key, endsAt: before.until };
          return { status: 201, body };
        } catch (error) {
          if (error instanceof RotationError) throw new ApiProblem(error.code, error.message);
          throw error;
        }
      },
    }),
  ];
}

function notRemote(id: string): ApiProblem {
  const detail = `${JSON.stringify(id)} is no remote connector that is registered here: no other one has a key.`;
  return new ApiProblem('connector_not_found', detail);
}
