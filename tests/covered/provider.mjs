/** vitest's own provider of V8 coverage, from this folder: the browser client's lock file need not have it. */

import v8 from "@vitest/coverage-v8";

export default {
  ...v8,
  async getProvider() {
    const provider = await v8.getProvider();
    const options = provider.resolveOptions.bind(provider);
    // Where it names itself v8, the workers look for it beside vitest.
    provider.resolveOptions = () => ({
      ...options(),
      provider: "custom",
      customProviderModule: import.meta.filename,
    });
    return provider;
  },
};
