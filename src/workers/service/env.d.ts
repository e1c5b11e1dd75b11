interface ImportMetaEnv {
  /** Hash of the files that make up the built-in servers; put in by the build. */
  readonly TOOLSPACE_VERSION: string;
}
