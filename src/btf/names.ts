/** `wait_ns` → `waitNs`: the name of a C field in JavaScript. */
export function camelCase(name: string): string {
  return name.replace(/_+([A-Za-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** `futex_wait_event` → `FutexWaitEvent`: the name of a C struct or enum in TypeScript. */
export function pascalCase(name: string): string {
  const camel = camelCase(name);
  return camel.charAt(0).toUpperCase() + camel.slice(1);
}

/** Fields whose name begins with `_` are explicit padding: neither decoded nor written by name, always 0. */
export function isPadding(name: string): boolean {
  return name.startsWith('_');
}
