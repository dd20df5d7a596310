/**
 * A trial run of a function that cannot wait for the platform: what it asks of curves is noted, and believed meanwhile.
 *
 * A trial believes that every signature holds. What an encapsulation agrees on and what a signature is cannot be
 * believed, so a placeholder stands for them: a trial that asked for one is thrown away in any case. `ahead` says what
 * becomes of the others.
 * Code is synchronous, so there is one trial at a time, and nothing else runs within it.
 */

import { equal, wipe } from "../bytes/bytes";

/** Ed25519. */
export type Verification = {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
};

/** X25519 of an ephemeral key: its public key, and what it agrees on with another's. Or placeholders for both. */
export type Agreed = {
  readonly publicKey: Uint8Array;
  readonly secret: Uint8Array;
  readonly placeholder?: true;
};
export type Agreement = { readonly privateKey: Uint8Array; readonly publicKey: Uint8Array };

/** Ed25519. */
export type Signing = { readonly privateKey: Uint8Array; readonly message: Uint8Array };

type Noted<Question, Answer> = { readonly question: Question; answer: Answer | null };
type Computed = {
  readonly name: string;
  readonly inputs: readonly Uint8Array[];
  readonly values: readonly Uint8Array[];
};

const PLACEHOLDER = new Uint8Array(32).fill(1);
const NO_SIGNATURE = new Uint8Array(64);

let current: Trial | null = null;

export class Trial {
  readonly verifications: Noted<Verification, true>[] = [];
  readonly agreements: Noted<Agreement, Agreed>[] = [];
  readonly signings: Noted<Signing, Uint8Array>[] = [];
  readonly #computed: Computed[] = [];
  readonly #laterOn: (() => void)[] = [];
  #believes = true;
  // A second run asks in the order of the first, so each search begins where the last one ended.
  #verification = 0;
  #agreement = 0;
  #signing = 0;
  #computation = 0;

  /** Run within this trial, whatever comes of it. */
  run<T>(task: () => T): T {
    const outer = current;
    current = this;
    try {
      return task();
    } finally {
      current = outer;
    }
  }

  /** From now on only what was answered is known, and the rest is computed. */
  stopBelieving(): void {
    this.#believes = false;
    this.#laterOn.length = 0;
    this.#verification = this.#agreement = this.#signing = this.#computation = 0;
  }

  /** What was believed turned out to be so: what waited for that is done. */
  confirm(): void {
    for (const task of this.#laterOn) task();
    this.stopBelieving();
  }

  /** Every secret that it holds is wiped. */
  forget(): void {
    for (const { question, answer } of this.agreements) {
      wipe(question.privateKey);
      if (answer !== null) wipe(answer.secret);
    }
    for (const { question } of this.signings) wipe(question.privateKey);
    for (const { inputs, values } of this.#computed) wipe(...inputs, ...values);
  }

  verdict(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): true | null {
    const at = find(
      this.verifications,
      this.#verification,
      ({ question }) =>
        question.signature[0] === signature[0] &&
        equal(question.signature, signature) &&
        equal(question.publicKey, publicKey) &&
        equal(question.message, message),
    );
    if (at >= 0) this.#verification = at + 1;
    else if (this.#believes)
      this.verifications.push({ question: { publicKey, message, signature }, answer: null });
    return this.#believes || (this.verifications[at]?.answer ?? null);
  }

  agreed(privateKey: Uint8Array, publicKey: Uint8Array): Agreed | null {
    const at = find(
      this.agreements,
      this.#agreement,
      ({ question }) => equal(question.privateKey, privateKey) && equal(question.publicKey, publicKey),
    );
    if (at >= 0) this.#agreement = at + 1;
    else if (this.#believes) {
      const question = { privateKey: privateKey.slice(), publicKey: publicKey.slice() };
      this.agreements.push({ question, answer: null });
    }
    if (this.#believes)
      return { ...copy({ publicKey: PLACEHOLDER, secret: PLACEHOLDER }), placeholder: true };
    const answer = this.agreements[at]?.answer ?? null;
    return answer && copy(answer);
  }

  signature(privateKey: Uint8Array, message: Uint8Array): Uint8Array | null {
    const at = find(
      this.signings,
      this.#signing,
      ({ question }) => equal(question.privateKey, privateKey) && equal(question.message, message),
    );
    if (at >= 0) this.#signing = at + 1;
    else if (this.#believes)
      this.signings.push({ question: { privateKey: privateKey.slice(), message }, answer: null });
    return (this.#believes ? NO_SIGNATURE : (this.signings[at]?.answer ?? null))?.slice() ?? null;
  }

  computed(
    name: string,
    inputs: readonly Uint8Array[],
    compute: () => readonly Uint8Array[],
  ): readonly Uint8Array[] {
    const at = find(
      this.#computed,
      this.#computation,
      (one) => one.name === name && one.inputs.every((input, i) => equal(input, inputs[i]!)),
    );
    if (at >= 0) {
      this.#computation = at + 1;
      return this.#computed[at]!.values.map((value) => value.slice());
    }
    const values = compute();
    if (this.#believes) {
      const kept = {
        name,
        inputs: inputs.map((one) => one.slice()),
        values: values.map((one) => one.slice()),
      };
      this.#computed.push(kept);
    }
    return values;
  }

  whenCertain(task: () => void): void {
    if (this.#believes) this.#laterOn.push(task);
    else task();
  }
}

/** True: the signature holds, or a trial believes so. Null: nobody has said so, and it has to be computed. */
export function verdictOf(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): true | null {
  return current?.verdict(publicKey, message, signature) ?? null;
}

/** What a trial takes the agreement for, or knows it to be; null where it has to be computed. A copy. */
export function agreedOn(privateKey: Uint8Array, publicKey: Uint8Array): Agreed | null {
  return current?.agreed(privateKey, publicKey) ?? null;
}

/** The signature, or in a trial 64 bytes in its place; null where it has to be computed. */
export function signatureOf(privateKey: Uint8Array, message: Uint8Array): Uint8Array | null {
  return current?.signature(privateKey, message) ?? null;
}

/** The values of a function of these inputs alone: the second run of a trial finds them, and gets copies. */
export function computedOnce(
  name: string,
  inputs: readonly Uint8Array[],
  compute: () => readonly Uint8Array[],
): readonly Uint8Array[] {
  return current === null ? compute() : current.computed(name, inputs, compute);
}

/**
 * Do it now; within a trial, once all is found to be as believed. For whatever outlasts a call and rests on a signature:
 * a belief must never get into it.
 */
export function whenCertain(task: () => void): void {
  if (current === null) task();
  else current.whenCertain(task);
}

function find<T>(list: readonly T[], from: number, suits: (one: T) => boolean): number {
  for (let i = 0; i < list.length; i++) {
    const at = (from + i) % list.length;
    if (suits(list[at]!)) return at;
  }
  return -1;
}

function copy({ publicKey, secret }: Agreed): Agreed {
  return { publicKey: publicKey.slice(), secret: secret.slice() };
}
