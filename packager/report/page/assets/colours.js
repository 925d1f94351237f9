// The colours of canvases are the style sheet's, so that light, dark and print agree.
let colours = {};
let hatch = null;
function readColours() {
  const style = getComputedStyle(document.documentElement);
  colours = { font: getComputedStyle(document.body).fontFamily, mono: getComputedStyle(document.querySelector('code')).fontFamily };
  for (const name of [...Object.keys(kinds), 'ink', 'paper', 'line', 'accent', 'ontop']) colours[name] = style.getPropertyValue('--' + name).trim();
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const c = tile.getContext('2d');
  c.fillStyle = colours.padding;
  c.fillRect(0, 0, 6, 6);
  c.strokeStyle = colours.ink;
  c.globalAlpha = 0.55;
  c.beginPath();
  for (const x of [-6, 0, 6]) { c.moveTo(x, 6); c.lineTo(x + 6, 0); }
  c.stroke();
  hatch = c.createPattern(tile, 'repeat');
}

// fill is what a kind of bytes is drawn with; padding is hatched, too.
const fill = kind => kind === 'padding' ? hatch : colours[kind];

function drawLegend() {
  const bytes = {};
  for (const [kind, , n] of data.spans) bytes[kind] = (bytes[kind] || 0) + n;
  $('legend').replaceChildren(...Object.keys(kinds).filter(k => bytes[k]).map(k =>
    make('li', {}, make('span', { class: 'swatch k-' + k, 'aria-hidden': 'true' }), kinds[k] + ' ' + size(bytes[k]))));
  if (data.compared && data.changed.length) {
    $('legend').append(make('li', {}, make('span', { class: 'swatch changed', 'aria-hidden': 'true' }), 'block that differs (line below it)'));
  }
}
