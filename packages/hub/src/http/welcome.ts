import type { Request, Response } from 'express';
import { VERSION } from '../package-info.js';

/** `GET /`: says what this is, to people as a page and to programs as JSON. */
export function welcome(hubUrl: () => string) {
  return (request: Request, response: Response): void => {
    if (request.accepts(['html', 'json']) === 'json') {
      const url = (path: string): string => `${hubUrl().replace(/\/$/, '')}/${path}`;
      response.json({
        name: '@websub/hub',
        version: VERSION,
        links: {
          hub: hubUrl(),
          health: url('healthz'),
          ready: url('readyz'),
          metrics: url('metrics'),
          topics: url('v1/topics'),
          subscriptions: url('v1/subscriptions'),
          dead_letters: url('v1/dead-letters'),
          stats: url('v1/stats'),
          specification: SPECIFICATION,
        },
      });
      return;
    }
    response
      .set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
      .type('html')
      .send(page(escapeHtml(hubUrl())));
  };
}

const SPECIFICATION = 'https://www.w3.org/TR/websub/';

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

function page(hub: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WebSub hub</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
  h1 { font-size: 1.6rem; margin-bottom: 0; }
  pre { padding: .8rem 1rem; border: 1px solid color-mix(in srgb, currentColor 25%, transparent); border-radius: .4rem; white-space: pre-wrap; overflow-wrap: anywhere; }
  footer { opacity: .7; font-size: .9rem; }
</style>
</head>
<body>
<h1>This is a WebSub hub</h1>
<p>It tells subscribers the moment a topic changes, as the <a href="${SPECIFICATION}">W3C Recommendation WebSub</a> says.</p>
<h2>You publish</h2>
<p>Name the hub on your pages and feeds, and ping it when one of them changes:</p>
<pre>Link: &lt;${hub}&gt;; rel="hub"
Link: &lt;https://example.com/feed&gt;; rel="self"

curl ${hub} \\
     -d hub.mode=publish \\
     -d hub.url=https://example.com/feed</pre>
<h2>You subscribe</h2>
<pre>curl ${hub} -d hub.mode=subscribe \\
     -d hub.topic=https://example.com/feed \\
     -d hub.callback=https://you.example/callback</pre>
<p>The hub asks your callback to confirm, then posts each update to it.</p>
<footer>@websub/hub ${VERSION} · <a href="healthz">health</a> · <a href="readyz">ready</a> · <a href="metrics">metrics</a></footer>
</body>
</html>
`;
}
