/** Facts of the running kernel that reports name. */
import { release } from 'node:os';

export const kernelRelease = (): string => release();
