/** The bytes at hand do not have the layout that this code was built for, or are no valid object at all. */
export class LayoutError extends Error {
  readonly code = 'LAYOUT';
  override readonly name = 'LayoutError';
}
