import type { DeliveryCode, DeliveryError } from '../intake/delivery.ts';
import type { IntakeError } from '../intake/intake.ts';
import { ApiProblem, type ProblemCode } from './problems.ts';

/** What the caller is told: which kind of fault, never what was wrong with a proof. */
const TOLD: Readonly<Record<DeliveryCode, { code: ProblemCode; detail: string; retryAfterSeconds?: number }>> = {
  unverified: { code: 'delivery_unverified', detail: 'The delivery is not verified.' },
  refused: { code: 'delivery_refused', detail: 'The sender is not configured.' },
  invalid: { code: 'delivery_invalid', detail: 'The delivery can not be understood.' },
  repeated: { code: 'delivery_repeated', detail: 'A delivery of this id was taken before: do not send it again.' },
  in_hand: { code: 'delivery_in_hand', detail: 'A delivery of this id is being taken.', retryAfterSeconds: 60 },
  unavailable: {
    code: 'verification_unavailable',
    detail: 'The delivery can not be verified now. Send it again.',
    retryAfterSeconds: 30,
  },
  over_capacity: { code: 'over_capacity', detail: 'Too much arrives. Send it again.', retryAfterSeconds: 30 },
};

export function deliveryProblem(error: DeliveryError): ApiProblem {
  const { code, detail, retryAfterSeconds } = TOLD[error.code];
  return new ApiProblem(code, detail, {
    cause: error,
    ...(retryAfterSeconds !== undefined && { extra: { retryAfterSeconds } }),
  });
}

export function intakeProblem(error: IntakeError): ApiProblem {
  const extra = { retryAfterSeconds: Math.max(1, Math.ceil(error.retryAfterMs / 1000)) };
  if (error.code === 'over_capacity') {
    return new ApiProblem('over_capacity', 'Too much waits to be scanned. Send it again.', { cause: error, extra });
  }
  return new ApiProblem('intake_unavailable', 'Events can not be taken now. Send it again.', { cause: error, extra });
}
