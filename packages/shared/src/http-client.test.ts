import { describe, expect, it } from 'vitest';
import { headerText } from './http-client.js';

describe('headerText', () => {
  it('gives one line as it is, several joined, and none as undefined', () => {
    const headers = { link: ['<a>; rel=hub', '<b>; rel=self'], location: '/x' };
    expect(headerText(headers, 'link')).toBe('<a>; rel=hub, <b>; rel=self');
    expect(headerText(headers, 'location')).toBe('/x');
    expect(headerText(headers, 'etag')).toBeUndefined();
  });

  it('finds no header in what every object has', () => {
    expect(headerText({}, 'constructor')).toBeUndefined();
    expect(headerText({}, 'tostring')).toBeUndefined();
  });
});
