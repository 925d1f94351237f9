// All that is known of the chosen file.
function showDetails() {
  const f = files[chosen], list = [];
  const add = (name, ...values) => { if (values.some(v => v !== '' && v !== undefined)) list.push(make('dt', {}, name), make('dd', {}, ...values)); };
  const exact = n => size(n) + (n < 1024 ? '' : ' (' + number(n) + ' bytes)');
  add('Path', make('bdi', {}, f.p));
  add('Kind', f.kind + (f.abi ? ', ' + f.abi : ''));
  if (f.k === 'gone') {
    add('Was', exact(f.w) + ' at ' + hex(f.wo));
    $('details').replaceChildren(...list);
    $('none').hidden = true;
    return;
  }
  add('Size', exact(f.s));
  if (f.sh) add('Shares', 'the bytes of ', make('bdi', {}, f.sh));
  add('Offset', hex(f.o) + ' (' + number(f.o) + ')');
  if (f.ad !== undefined) add('Address', hex(f.ad));
  add('Record', exact(f.rs) + ' at ' + hex(f.r) + (f.pd ? ', ' + plural(f.pd, 'byte') + ' of it padding' : ''));
  const blocks = blocksOf(f);
  if (blocks) add('Erase blocks', blocks[0] === blocks[1] ? String(blocks[0]) : blocks[0] + ' to ' + blocks[1]);
  if (f.gv) add('Aligned', 'to ' + number(f.gv) + (f.al > 1 ? '; ' + number(f.al) + ' was asked for' : ''));
  if (f.nd > 1) add('Board needs', number(f.nd) + ', by ' + f.br + (f.wy ? ': ' + f.wy : ''));
  if (misaligned(f)) add('Trouble', 'less aligned than wanted');
  if (f.dm) add('Damage', f.dm);
  if (f.f) add('From', make('bdi', {}, f.f), f.ru ? ' (' + f.ru + ')' : '');
  if (f.h !== undefined) add('Heap', exact(f.h) + ' to import it from ROM');
  if (f.hw) add('Why', f.hw);
  if (f.c) add('Change', f.c + (f.w !== undefined ? ', was ' + exact(f.w) + ' at ' + hex(f.wo) : ''));
  if (f.d) add('SHA-256', make('code', {}, f.d));
  $('details').replaceChildren(...list);
  $('none').hidden = true;
}
