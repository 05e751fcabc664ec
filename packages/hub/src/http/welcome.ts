import type { Request, Response } from 'express';
import { addressBelow } from '../hub-address.js';
import { VERSION } from '../package-info.js';
import { escapeHtml, htmlPage, sendPage } from './web-page.js';

/** `GET /`: says what this is, to people as a page and to programs as JSON. */
export function welcome(hubUrl: () => string) {
  return (request: Request, response: Response): void => {
    if (request.accepts(['html', 'json']) === 'json') {
      const url = (path: string): string => addressBelow(hubUrl(), path).href;
      response.json({
        name: '@websub/hub',
        version: VERSION,
        links: {
          hub: hubUrl(),
          health: url('healthz'),
          ready: url('readyz'),
          sse: url('v1/sse'),
          wait: url('v1/wait'),
          ws: url('v1/ws').replace(/^http/, 'ws'),
          cable: url('cable').replace(/^http/, 'ws'),
          metrics: url('metrics'),
          topics: url('v1/topics'),
          subscriptions: url('v1/subscriptions'),
          dead_letters: url('v1/dead-letters'),
          stats: url('v1/stats'),
          openapi: url('v1/openapi.json'),
          asyncapi: url('v1/asyncapi.json'),
          specification: SPECIFICATION,
        },
      });
      return;
    }
    sendPage(response, page(escapeHtml(hubUrl())));
  };
}

const SPECIFICATION = 'https://www.w3.org/TR/websub/';

function page(hub: string): string {
  return htmlPage(
    'WebSub hub',
    `<h1>This is a WebSub hub</h1>
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
<footer>@websub/hub ${VERSION} · <a href="healthz">health</a> · <a href="readyz">ready</a> · <a href="metrics">metrics</a></footer>`,
  );
}
