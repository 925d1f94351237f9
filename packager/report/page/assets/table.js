// The table has all files, but only the rows that are seen are in the document.
// One row is the current one; keys move it, and scroll to it.
const lineHeight = 28;
const rowsLater = later(drawRows);
let rows = [], current = -1, sortBy = 'p', descending = false, shownFrom = -1, shownTo = -1;

const bytes = n => n === undefined ? '' : number(n);
const wanted = f => Math.max(f.al || 1, f.nd || 1);
const columns = [
  { key: 'p', name: 'Path', width: 300, value: f => f.p, text: true },
  { key: 'c', name: 'Change', width: 84, value: f => f.c || '', text: true, when: () => data.compared },
  { key: 's', name: 'Size', width: 92, value: f => f.s, show: f => f.k === 'gone' ? '' : bytes(f.s) },
  { key: 'st', name: 'Stored', width: 92, value: f => f.st, show: f => f.k === 'gone' ? '' : f.sh ? 'shared' : bytes(f.st) },
  { key: 'k', name: 'Kind', width: 116, value: f => f.kind, text: true },
  { key: 'h', name: 'Heap', width: 80, value: f => f.h === undefined ? -1 : f.h, show: f => bytes(f.h), when: () => data.ram },
  { key: 'o', name: 'Offset', width: 92, value: f => f.k === 'gone' ? -1 : f.o, show: f => f.k === 'gone' ? '' : hex(f.o) },
  { key: 'al', name: 'Align wanted', width: 80, value: wanted, show: f => f.k === 'gone' ? '' : bytes(wanted(f)) },
  { key: 'gv', name: 'given', width: 92, value: f => f.gv || 0, show: f => f.gv ? (misaligned(f) ? '⚠ ' : '') + bytes(f.gv) : '' },
  { key: 'f', name: 'From', width: 220, value: f => f.f || '', text: true },
  { key: 'ru', name: 'Rule', width: 96, value: f => f.ru || '', text: true },
  { key: 'd', name: 'SHA-256', width: 128, value: f => f.d || '', show: f => (f.d || '').slice(0, 12), text: true, code: true },
].filter(c => !c.when || c.when());

function startTable() {
  const table = $('table');
  table.querySelector('colgroup').append(...columns.map(c => {
    const col = make('col', {});
    col.style.width = c.width + 'px';
    return col;
  }));
  table.style.minWidth = columns.reduce((sum, c) => sum + c.width, 0) + 'px';
  table.querySelector('thead').append(make('tr', { 'aria-rowindex': 1 }, ...columns.map(c => {
    const b = make('button', { type: 'button' }, c.name);
    b.addEventListener('click', () => sort(c));
    return make('th', { scope: 'col', class: c.text ? 'text' : 'num', 'data-key': c.key, 'aria-sort': 'none' }, b);
  })));
  for (const kind of Object.keys(kinds).filter(k => files.some(f => f.k === k))) $('kind').append(make('option', { value: kind }, kinds[kind]));
  for (const [value, name, test] of onlies) if (files.some(test)) $('only').append(make('option', { value }, name));
  for (const id of ['filter', 'kind', 'only']) $(id).addEventListener('input', refilter);
  $('filters').addEventListener('submit', e => e.preventDefault());
  $('table-scroll').addEventListener('scroll', rowsLater, { passive: true });
  table.addEventListener('keydown', onTableKey);
  table.querySelector('tbody').addEventListener('click', e => {
    const tr = e.target.closest('tr[data-at]');
    if (tr) setCurrent(Number(tr.dataset.at), 'table');
  });
  table.addEventListener('focus', () => { if (current < 0 && rows.length) setCurrent(0, 'table'); });
  listeners.push((i, from) => { if (from !== 'table') showInTable(i, false); });
  refilter();
}

// onlies are what the table can be narrowed to, besides kinds.
const onlies = [
  ['finding', 'with findings', f => f.fi || f.dm],
  ['misaligned', 'less aligned than wanted', misaligned],
  ['aligned', 'that ask for alignment', f => wanted(f) > 1],
  ['shared', 'that share bytes', f => f.sh],
  ['changed', 'that have changed', f => f.c],
  ['added', 'added', f => f.c === 'added'],
  ['removed', 'removed', f => f.c === 'removed'],
  ['grown', 'grown', f => f.c === 'grown'],
  ['moved', 'moved', f => f.c === 'moved'],
  ['ram', 'modules', f => f.h !== undefined || f.hw],
];

function refilter() {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const kind = $('kind').value, only = (onlies.find(o => o[0] === $('only').value) || [])[2];
  rows = files.filter(f => (!kind || f.k === kind) && (!only || only(f)) &&
    words.every(w => f.p.toLowerCase().includes(w) || (f.f || '').toLowerCase().includes(w) || (f.ru || '').toLowerCase().includes(w) || (f.d || '').startsWith(w)));
  order();
  const stored = rows.reduce((sum, f) => sum + f.st, 0);
  $('count').textContent = (rows.length === files.length ? plural(rows.length, 'file') : number(rows.length) + ' of ' + plural(files.length, 'file')) +
    ', ' + size(stored) + ' stored';
}

function sort(c) {
  descending = sortBy === c.key ? !descending : !c.text;
  sortBy = c.key;
  order();
}

// order sorts the rows, and keeps the chosen file the current one.
function order() {
  const c = columns.find(c => c.key === sortBy), sign = descending ? -1 : 1;
  rows.sort((a, b) => {
    const x = c.value(a), y = c.value(b);
    return x < y ? -sign : x > y ? sign : a.p < b.p ? -1 : a.p > b.p ? 1 : a.i - b.i;
  });
  for (const th of $('table').querySelectorAll('th')) {
    th.setAttribute('aria-sort', th.dataset.key === sortBy ? (descending ? 'descending' : 'ascending') : 'none');
  }
  current = chosen < 0 ? -1 : rows.findIndex(f => f.i === chosen);
  $('table').setAttribute('aria-rowcount', rows.length + 1);
  shownFrom = -1;
  if (current >= 0) reveal(); else $('table-scroll').scrollTop = 0;
  drawRows();
}

// reveal scrolls so that the current row is seen.
function reveal() {
  const scroll = $('table-scroll'), head = $('table').tHead.offsetHeight, y = current * lineHeight;
  if (y < scroll.scrollTop) scroll.scrollTop = y;
  else if (y + lineHeight > scroll.scrollTop + scroll.clientHeight - head) scroll.scrollTop = y + lineHeight - scroll.clientHeight + head;
}

const spacer = height => {
  const td = make('td', { colspan: columns.length });
  td.style.height = height + 'px';
  return make('tr', { class: 'spacer', 'aria-hidden': 'true' }, td);
};

// drawRows puts the rows into the document that are seen, and some around them;
// for print, all.
function drawRows() {
  const scroll = $('table-scroll'), body = $('table').tBodies[0], all = document.documentElement.classList.contains('printing');
  // By pieces of some rows, so that a step to the next row draws nothing anew.
  let from = Math.floor((scroll.scrollTop / lineHeight - 8) / 16) * 16, to = Math.ceil(((scroll.scrollTop + scroll.clientHeight) / lineHeight + 8) / 16) * 16;
  from = all ? 0 : Math.max(0, Math.min(from, rows.length));
  to = all ? rows.length : Math.min(rows.length, to);
  if (from !== shownFrom || to !== shownTo || all) {
    const drawn = rows.slice(from, to).map((f, i) => drawRow(f, from + i));
    if (from > 0) drawn.unshift(spacer(from * lineHeight));
    if (to < rows.length) drawn.push(spacer((rows.length - to) * lineHeight));
    body.replaceChildren(...drawn);
    shownFrom = from;
    shownTo = to;
  }
  mark();
}

function drawRow(f, at) {
  const tr = make('tr', { id: 'row-' + f.i, 'data-at': at, 'aria-rowindex': at + 2, 'aria-selected': 'false', class: 'k-' + f.k + (f.fi || f.dm ? ' finding' : '') });
  for (const c of columns) {
    const text = c.show ? c.show(f) : c.value(f);
    const td = make(c.key === 'p' ? 'th' : 'td', { class: (c.text ? 'text' : 'num') + (c.code ? ' code' : '') });
    if (c.key === 'p') {
      td.setAttribute('scope', 'row');
      td.append(make('span', { class: 'swatch k-' + f.k, 'aria-hidden': 'true' }));
    }
    td.append(c.text ? make('bdi', {}, text) : text);
    if (c.text && text) td.title = c.value(f);
    if (c.key === 'gv' && misaligned(f)) td.classList.add('bad');
    tr.append(td);
  }
  return tr;
}

// mark tells which row is the current one, if it is in the document.
function mark() {
  const table = $('table'), was = table.querySelector('tr[aria-selected="true"]');
  const is = current >= 0 && current < rows.length ? $('row-' + rows[current].i) : null;
  if (was && was !== is) was.setAttribute('aria-selected', 'false');
  if (is) {
    is.setAttribute('aria-selected', 'true');
    table.setAttribute('aria-activedescendant', is.id);
  } else table.removeAttribute('aria-activedescendant');
}

function setCurrent(at, from) {
  current = at;
  reveal();
  drawRows();
  choose(rows[at].i, from);
}

// onTableKey moves the current row; the buttons of the header have their own keys.
function onTableKey(e) {
  if (e.target.closest('button')) return;
  if (e.key === 'ArrowLeft' || e.key === 'ArrowRight') {
    $('table-scroll').scrollLeft += e.key === 'ArrowRight' ? 80 : -80;
    e.preventDefault();
    return;
  }
  const page = Math.max(1, Math.floor($('table-scroll').clientHeight / lineHeight) - 2);
  const to = step(e.key, current, rows.length, page);
  if (to < 0) return;
  e.preventDefault();
  setCurrent(to, 'table');
}

// showInTable makes a file the current row, if the filter shows it; focus goes
// there if that is wanted, and then the filter gives way.
function showInTable(i, focus) {
  let at = rows.findIndex(f => f.i === i);
  if (at < 0 && focus) {
    $('filter').value = $('kind').value = $('only').value = '';
    refilter();
    at = rows.findIndex(f => f.i === i);
  }
  current = at;
  if (at >= 0) reveal();
  if (!focus) rowsLater();
  else {
    drawRows();
    $('table').focus({ preventScroll: true });
    $('table-scroll').scrollIntoView({ block: 'nearest' });
  }
}
