import { callbackUrl } from '../service/callback-url.js';
import { serviceFor } from '../service/own-options.js';
import type { Service } from '../service/service.js';
import type { SecretSetting } from '../service/settings.js';
import type { ReadTarget } from '../service/target.js';
import { leaseLeft } from '../subscription/change.js';
import { isWanted, type StoredSubscription } from '../subscription/subscription.js';
import { targetOf } from './candidates.js';
import { ownOf, type Wish } from './enrolment.js';

/** What a service does about its subscriptions when it starts. */
export interface StartPlan {
  /** Go on as stored, with no hub traffic. */
  readonly resume: readonly StoredSubscription[];
  readonly enrol: readonly PlannedEnrolment[];
  /** Are no longer among the targets. */
  readonly end: readonly StoredSubscription[];
  /** Were denied, and stand in the way of asking anew. */
  readonly drop: readonly StoredSubscription[];
}

/** A wish of a service; the subscription that it replaces goes on until the new one is verified. */
export type PlannedEnrolment = Omit<Wish, 'service'>;

/** Compares a service's targets with what is stored of it. */
export function planStart(
  service: Service,
  publicUrl: string,
  stored: readonly StoredSubscription[],
  now: number,
): StartPlan {
  // One that another takes over from has its successor beside it, and ends by itself. A run that failed to make the
  // successor leaves none.
  const isSucceeded = ({ replacedBy }: StoredSubscription): boolean =>
    stored.some((one) => one.id === replacedBy && isWanted(one));
  const current = stored.filter((one) => isWanted(one) && !isSucceeded(one));
  const { settings } = service;
  const isHere = ({ callback, id, options }: StoredSubscription): boolean =>
    callback === callbackUrl(serviceFor(service, options).settings, publicUrl, id);
  const keys = new Set(settings.targets.map(({ key }) => key));
  const configured = current.filter(({ origin }) => origin === 'configured');
  // A target that has come into the options is one of theirs from now on.
  const isAdopted = ({ target }: StoredSubscription): boolean =>
    settings.subscribeOnStartUp && keys.has(target);
  const adopted = current.filter((one) => one.origin === 'run-time' && isAdopted(one));
  const atRunTime = current.filter((one) => one.origin === 'run-time' && !isAdopted(one));
  const fitting = configured.filter((one) => isHere(one) && hasSecretOf(settings.secret, one));
  const isFitted = (key: string): boolean => fitting.some(({ target }) => target === key);
  const missing = settings.targets.filter(({ key }) => !isFitted(key));
  const denied = stored.filter((one) => one.state === 'denied' && isAdopted(one));
  // While its lease runs its hub may still deliver to it (LAW 5).
  const isInForce = (one: StoredSubscription): boolean =>
    leaseLeft(one, now) !== undefined && !isFitted(one.target);
  return {
    resume: [...fitting.filter(({ target }) => keys.has(target)), ...atRunTime.filter(isHere)],
    enrol: [
      ...(settings.subscribeOnStartUp
        ? missing.map((target) => renewed(target, [...configured, ...adopted, ...denied.filter(isInForce)]))
        : []),
      ...atRunTime.filter((one) => !isHere(one)).map(moved),
    ],
    end: configured.filter(({ target }) => !keys.has(target)),
    drop: denied.filter((one) => !isInForce(one)),
  };
}

function renewed(target: ReadTarget, before: readonly StoredSubscription[]): PlannedEnrolment {
  const old = before.find((one) => one.target === target.key);
  return { target, origin: 'configured', contested: true, ...(old === undefined ? {} : { replaces: old }) };
}

function moved(old: StoredSubscription): PlannedEnrolment {
  return { target: targetOf(old), origin: 'run-time', ...ownOf(old), replaces: old };
}

/** Whether its secrets are as the options say. */
export function hasSecretOf(setting: SecretSetting, { secrets }: StoredSubscription): boolean {
  switch (setting.kind) {
    case 'auto':
      return secrets.length > 0;
    case 'fixed':
      return setting.secrets.join('\n') === secrets.join('\n');
    case 'none':
      return secrets.length === 0;
  }
}
