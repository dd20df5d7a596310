/**
 * What can go wrong in MLS, and whose fault it is.
 *
 *   MlsError            code, fault
 *   ├─ DecodeError      "decode"             peer      bytes that are not the structure they should be
 *   ├─ AeadError        "aead"               peer      a ciphertext that does not open under this key
 *   ├─ KeyError         "key"                peer      a key or a KEM output that no honest peer makes
 *   ├─ SuiteError       "unsupported_suite"  peer      a cipher suite that this program does not have
 *   ├─ InvalidError     names the check      peer      well-formed, but breaks a rule of RFC 9420
 *   ├─ UsageError       names the misuse     caller    our own code asked for what is not possible
 *   └─ StorageError     names the damage     storage   stored state that cannot be what was stored
 */

export type Fault = "peer" | "caller" | "storage";

export class MlsError extends Error {
  /** Stable: callers, tests and logs match on it; the message is for people who read the log. */
  readonly code: string;
  readonly fault: Fault;

  constructor(code: string, fault: Fault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.fault = fault;
  }
}

export class DecodeError extends MlsError {
  constructor(message: string, options?: ErrorOptions) {
    super("decode", "peer", message, options);
  }
}

export class AeadError extends MlsError {
  constructor(message: string, options?: ErrorOptions) {
    super("aead", "peer", message, options);
  }
}

export class KeyError extends MlsError {
  constructor(message: string, options?: ErrorOptions) {
    super("key", "peer", message, options);
  }
}

export class SuiteError extends MlsError {
  constructor(message: string, options?: ErrorOptions) {
    super("unsupported_suite", "peer", message, options);
  }
}

export class InvalidError extends MlsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, "peer", message, options);
  }
}

export class UsageError extends MlsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, "caller", message, options);
  }
}

export class StorageError extends MlsError {
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(code, "storage", message, options);
  }
}
