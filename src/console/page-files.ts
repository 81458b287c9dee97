import SCRIPT from './page/script.page'
import STYLE from './page/style.page'

export { SCRIPT, STYLE }

/** All that is in the page at first. It contains no data, and nothing inline. Its addresses are relative: it works below any path. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>durabledict console</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="console.css">
<script type="module" src="console.js"></script>
</head>
<body>
<div id="app"><noscript>The console needs JavaScript.</noscript></div>
</body>
</html>
`

export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#2456c8"/><path d="M4 4h5a4 4 0 0 1 0 8H4z" fill="#fff"/></svg>
`
