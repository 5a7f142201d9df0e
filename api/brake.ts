import { ACTIONS_WINDOW, type ScanSettings } from '../domain/job.ts';
import { ApiProblem } from './problems.ts';

type Brake = Pick<ScanSettings, 'maxActions' | 'maxActionsWindow'>;
type Wished = { readonly [K in keyof Brake]?: Brake[K] | undefined };

/** The brake in force: what the request names, else what the source has. @throws ApiProblem for a window without a maximum */
export function brakeOf(asked: Wished, bound: Wished | undefined): Brake {
  const maxActions = asked.maxActions ?? bound?.maxActions;
  if (maxActions === undefined) {
    if (asked.maxActionsWindow === undefined) return {};
    const message = 'It needs maxActions: how many actions the window lets pass.';
    throw new ApiProblem('request_invalid', `body: maxActionsWindow: ${message}`, {
      extra: { in: 'body', errors: [{ field: 'maxActionsWindow', message }] },
    });
  }
  return { maxActions, maxActionsWindow: asked.maxActionsWindow ?? bound?.maxActionsWindow ?? ACTIONS_WINDOW };
}
