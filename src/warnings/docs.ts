/** The documentation site. Messages link to it because the package does not contain the documentation. */
export const DOCS = 'https://durabledict.github.io/durabledict'
