// The models that come with the project. Must not know where their files lie.

/** Their names, which no other model takes. */
export const SHIPPED_MODELS = ['nano', 'rookie'] as const;
export type ShippedName = (typeof SHIPPED_MODELS)[number];
