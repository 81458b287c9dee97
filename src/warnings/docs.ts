/** The documentation site: messages name its pages, which the package does not hold. */
export const DOCS = 'https://durabledict.github.io/durabledict'
