// The strip is the partition in one line; the map is the image in rows, to scale.
const gutter = 84, rowHeight = 20, rowGap = 6;
let mapRow = 0; // bytes of a row
let smallestRow = 64, largestRow = 64;
let drawMapOption = null;
const mapLater = later(() => { drawMap(); drawStrip(); });

// firstRow chooses the bytes of a row so that the image takes about so many.
function firstRow() {
  largestRow = 64;
  while (largestRow < data.size) largestRow *= 2;
  mapRow = smallestRow;
  while (mapRow * 16 < data.used) mapRow *= 2;
}

// spanAt returns the index of the span that holds an offset.
function spanAt(offset) {
  let low = 0, high = data.spans.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (data.spans[middle][1] <= offset) low = middle; else high = middle - 1;
  }
  return low;
}

// drawSpans draws what lies from one offset to another into a rectangle. Files that
// are narrower than a pixel are seen, too; what lies between them need not be.
function drawSpans(c, from, to, x, y, width, height) {
  const scale = width / (to - from);
  for (let i = spanAt(from); i < data.spans.length && data.spans[i][1] < to; i++) {
    const [kind, offset, n, file] = data.spans[i];
    const left = Math.max(offset, from), right = Math.min(offset + n, to);
    c.fillStyle = fill(kind);
    c.fillRect(x + (left - from) * scale, y, Math.max((right - left) * scale, file >= 0 && kind === files[file].k ? 0.4 : 0), height);
    if ((right - left) * scale > 5 && kind !== 'free') {
      c.fillStyle = colours.paper;
      c.fillRect(x + (right - from) * scale - 0.5, y, 0.5, height);
    }
  }
}

// drawTicks marks where erase blocks begin, and blocks that differ.
function drawTicks(c, from, to, x, y, width, height) {
  const scale = width / (to - from);
  if (data.compared && data.block) {
    c.fillStyle = colours.accent;
    for (const b of data.changed) {
      const left = Math.max(b * data.block, from), right = Math.min((b + 1) * data.block, to);
      if (left < right) c.fillRect(x + (left - from) * scale, y + height, Math.max((right - left) * scale - 1, 1), 3);
    }
  }
  if (!data.erase) return 0;
  let every = 1;
  while (data.erase * every * scale < 4) every *= 2;
  c.fillStyle = colours.ink;
  const stride = data.erase * every;
  for (let at = Math.ceil(from / stride) * stride; at < to; at += stride) c.fillRect(x + (at - from) * scale - 0.5, y - 3, 1, 5);
  return every;
}

function drawStrip() {
  const width = $('strip').parentElement.clientWidth;
  const c = prepare($('strip'), width, 40);
  drawSpans(c, 0, data.size, 0, 5, width, 28);
  if (data.used * width / data.size < 3) { // it is there, however small
    c.fillStyle = colours.ink;
    c.fillRect(0, 5, 3, 28);
  }
  const every = drawTicks(c, 0, data.size, 0, 5, width, 28);
  c.strokeStyle = colours.line;
  c.strokeRect(0.5, 5.5, width - 1, 27);
  outline(c, 0, data.size, 0, 5, width, 28);
  const what = data.partition ? 'The partition: ' + size(data.partition) : 'The image: ' + size(data.used) + ' (its partition is not known)';
  const blocks = every ? ', a tick every ' + (every === 1 ? 'erase block' : every + ' erase blocks') + ' (' + size(data.erase * every) + ')' : '';
  $('strip-note').textContent = what + blocks + (data.address ? ', from ' + hex(data.address) : '') + '.';
  $('strip').setAttribute('aria-label', what + ', of which ' + size(data.used) + ' are used.');
}

// outline draws a frame around the chosen file.
function outline(c, from, to, x, y, width, height) {
  if (chosen < 0 || files[chosen].k === 'gone') return;
  const f = files[chosen], scale = width / (to - from);
  const left = Math.max(f.r, from), right = Math.min(f.r + f.rs, to);
  if (left >= right) return;
  const l = x + (left - from) * scale, w = Math.max((right - left) * scale, 3);
  c.lineWidth = 2;
  c.strokeStyle = colours.paper;
  c.strokeRect(l - 1, y - 1, w + 2, height + 2);
  c.strokeStyle = colours.ink;
  c.strokeRect(l - 2.5, y - 2.5, w + 5, height + 5);
  c.lineWidth = 1;
}

const mapRows = () => Math.max(1, Math.ceil(Math.min(data.size, data.used) / mapRow));
const rowTop = row => row * (rowHeight + rowGap) + 8;

function drawMap() {
  const scroll = $('map-scroll'), rows = mapRows();
  const total = rowTop(rows) + 4, printing = document.documentElement.classList.contains('printing');
  scroll.querySelector('.tall').style.height = total + 'px';
  const height = printing ? Math.min(total, 8000) : Math.min(total, scroll.clientHeight || total);
  const width = scroll.clientWidth;
  const c = prepare($('map'), width, height);
  const top = printing ? 0 : scroll.scrollTop;
  c.textBaseline = 'middle';
  const last = Math.min(rows, Math.ceil((top + height) / (rowHeight + rowGap)) + 1);
  const room = width - gutter - 8;
  for (let row = Math.max(0, Math.floor(top / (rowHeight + rowGap)) - 1); row < last; row++) {
    const from = row * mapRow, to = Math.min(from + mapRow, data.size), y = rowTop(row) - top;
    const w = room * (to - from) / mapRow;
    c.fillStyle = colours.ink;
    c.font = '11px ' + colours.mono;
    c.fillText(hex(data.address + from), 4, y + rowHeight / 2);
    drawSpans(c, from, to, gutter, y, w, rowHeight);
    c.strokeStyle = colours.line;
    c.strokeRect(gutter - 0.5, y - 0.5, w + 1, rowHeight + 1);
    drawTicks(c, from, to, gutter, y, w, rowHeight);
    drawNames(c, from, to, y, w);
  }
  for (let row = Math.max(0, Math.floor(top / (rowHeight + rowGap)) - 1); row < last; row++) {
    const from = row * mapRow, to = Math.min(from + mapRow, data.size);
    outline(c, from, to, gutter, rowTop(row) - top, room * (to - from) / mapRow, rowHeight);
  }
  $('map-note').textContent = 'A row is ' + size(mapRow) + (data.erase ? ', an erase block ' + size(data.erase) : '') +
    (data.size > rows * mapRow ? '; ' + size(data.size - rows * mapRow) + ' of free space follow' : '') + '.';
  $('map-in').disabled = mapRow <= smallestRow;
  $('map-out').disabled = mapRow >= largestRow;
}

// drawNames writes names where they fit.
function drawNames(c, from, to, y, width) {
  const scale = width / (to - from);
  c.font = '11px ' + colours.font;
  c.fillStyle = colours.ontop;
  for (let i = spanAt(from); i < data.spans.length && data.spans[i][1] < to; i++) {
    const [kind, offset, n, file] = data.spans[i];
    if (file < 0 || kind === 'record' || kind === 'padding') continue;
    const left = Math.max(offset, from), w = (Math.min(offset + n, to) - left) * scale;
    if (w < 40) continue;
    const name = fit(c, files[file].p.split('/').pop(), w - 10);
    if (name) c.fillText(name, gutter + (left - from) * scale + 5, y + rowHeight / 2 + 0.5);
  }
}

// fit cuts a text to a width.
function fit(c, text, width) {
  if (c.measureText(text).width <= width) return text;
  let n = Math.floor(text.length * width / c.measureText(text).width);
  while (n > 2 && c.measureText(text.slice(0, n) + '…').width > width) n--;
  return n > 2 ? text.slice(0, n) + '…' : '';
}

const sayPlace = at => {
  const f = byOffset[at], blocks = blocksOf(f);
  return f.p + ', ' + f.kind + ', ' + size(f.s) + ' at ' + hex(f.o) +
    (blocks ? ', block ' + (blocks[0] === blocks[1] ? blocks[0] : blocks.join(' to ')) : '') +
    (f.sh ? ', shares the bytes of ' + f.sh : '');
};

function startMap() {
  firstRow();
  const list = $('map-list'), scroll = $('map-scroll');
  drawMapOption = listbox(list, () => byOffset.length, sayPlace);
  scroll.addEventListener('scroll', mapLater, { passive: true });
  const zoom = factor => {
    mapRow = Math.max(smallestRow, Math.min(largestRow, mapRow * factor));
    drawMap();
    if (chosen >= 0) showInMap(chosen);
  };
  $('map-in').addEventListener('click', () => zoom(0.25));
  $('map-out').addEventListener('click', () => zoom(4));
  list.addEventListener('keydown', e => {
    const at = chosen >= 0 && files[chosen].k !== 'gone' ? files[chosen].place : -1;
    if (e.key === 'Enter' && chosen >= 0) { showInTable(chosen, true); e.preventDefault(); return; }
    let to = step(e.key, at, byOffset.length, 20);
    if (at >= 0 && (e.key === 'ArrowUp' || e.key === 'ArrowDown')) {
      // To the file above or below: one row of the map away, or the next.
      const wanted = files[chosen].r + (e.key === 'ArrowDown' ? mapRow : -mapRow);
      const next = byOffset.findLastIndex(f => f.r <= wanted);
      to = e.key === 'ArrowDown' ? Math.max(next, to) : Math.max(0, Math.min(next, to));
    }
    if (to < 0) return;
    e.preventDefault();
    choose(byOffset[to].i, 'map');
  });
  const pick = (x, y) => {
    const row = Math.floor((y - 8 + rowGap / 2) / (rowHeight + rowGap));
    const offset = row * mapRow + (x - gutter) / (scroll.clientWidth - gutter - 8) * mapRow;
    const s = data.spans[spanAt(Math.max(0, offset))];
    return x < gutter || offset >= data.size || offset > (row + 1) * mapRow ? null : s;
  };
  list.addEventListener('mousemove', e => {
    const box = scroll.getBoundingClientRect();
    const s = pick(e.clientX - box.left, e.clientY - box.top + scroll.scrollTop);
    list.title = s ? (s[3] >= 0 ? files[s[3]].p + ': ' : '') + kinds[s[0]] + ', ' + size(s[2]) + ' at ' + hex(s[1]) : '';
  });
  list.addEventListener('click', e => {
    const box = scroll.getBoundingClientRect();
    const s = pick(e.clientX - box.left, e.clientY - box.top + scroll.scrollTop);
    if (s && s[3] >= 0) choose(s[3], 'map');
  });
  list.addEventListener('focus', () => { if (chosen < 0 && byOffset.length) choose(byOffset[0].i, 'map'); });
  listeners.push(showInMap);
}

// showInMap scrolls to a file and says what it is.
function showInMap(i) {
  const f = files[i], scroll = $('map-scroll');
  if (f.k === 'gone') { drawMapOption(-1); mapLater(); return; }
  const y = rowTop(Math.floor(f.r / mapRow));
  if (y < scroll.scrollTop + 4 || y + rowHeight > scroll.scrollTop + scroll.clientHeight - 4) scroll.scrollTop = y - scroll.clientHeight / 2;
  drawMapOption(f.place);
  mapLater();
}
