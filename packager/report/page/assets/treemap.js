// The treemap: squarified, as Bruls, Huizing and van Wijk describe it.
let tree = null, treeRoot = null, treeOrder = [];
let drawTreeOption = null;

// A node is a folder or a file; files of a nested image are below its file.
function buildTree() {
  const root = { name: '', path: '', children: new Map(), file: null, parent: null };
  for (const f of present) {
    let at = root;
    for (const name of f.p.split('/')) {
      if (!at.children.has(name)) {
        at.children.set(name, { name, path: at.path ? at.path + '/' + name : name, children: new Map(), file: null, parent: at });
      }
      at = at.children.get(name);
    }
    if (at.file) { // a second file of that path
      const twin = { name: at.name, path: at.path, children: new Map(), file: f, parent: at.parent };
      at.parent.children.set(at.name + '\0' + f.i, twin);
    } else at.file = f;
  }
  return root;
}

// weigh sums areas up, and orders children by them.
function weigh(node, metric) {
  node.sorted = [...node.children.values()];
  node.area = 0;
  for (const child of node.sorted) node.area += weigh(child, metric);
  if (node.file && !node.sorted.length) node.area = Math.max(metric(node.file), 0);
  node.sorted.sort((a, b) => b.area - a.area || (a.path < b.path ? -1 : 1));
  return node.area;
}

// squarify lays children out in a rectangle, so that they are about square.
function squarify(children, x, y, width, height, place) {
  const items = children.filter(c => c.area > 0);
  let left = items.reduce((sum, c) => sum + c.area, 0), i = 0;
  while (i < items.length && width > 0 && height > 0) {
    const side = Math.min(width, height), scale = width * height / left;
    let sum = 0, worst = Infinity, n = i;
    for (; n < items.length; n++) {
      const next = sum + items[n].area, strip = next * scale / side;
      const ratio = item => { const other = item.area * scale / strip; return Math.max(strip / other, other / strip); };
      const now = Math.max(ratio(items[i]), ratio(items[n]));
      if (n > i && now > worst) break;
      worst = now;
      sum = next;
    }
    const strip = sum * scale / side;
    let at = 0;
    for (; i < n; i++) {
      const along = items[i].area / sum * side;
      if (width >= height) place(items[i], x, y + at, strip, along);
      else place(items[i], x + at, y, along, strip);
      at += along;
    }
    if (width >= height) { x += strip; width -= strip; } else { y += strip; height -= strip; }
    left -= sum;
  }
}

const metrics = { length: f => f.nested ? 0 : f.rs, size: f => f.s, heap: f => f.h || 0 };

function layTree() {
  const box = $('tree').parentElement, width = box.clientWidth;
  const height = Math.max(260, Math.min(460, Math.round(width * 0.45)));
  weigh(tree, metrics[$('metric').value]);
  (function clear(n) { n.box = null; n.sorted.forEach(clear); })(tree);
  const lay = (node, x, y, w, h) => {
    node.box = [x, y, w, h];
    if (!node.sorted.length) return;
    const head = node === treeRoot ? 0 : w > 44 && h > 34 ? 17 : 0, edge = w > 16 && h > 16 ? 2 : 0;
    if (w - 2 * edge < 2 || h - head - edge < 2) return;
    squarify(node.sorted, x + edge, y + Math.max(head, edge), w - 2 * edge, h - Math.max(head, edge) - edge, lay);
  };
  lay(treeRoot, 0, 0, width, height);
  treeOrder = [];
  (function walk(n) { if (n.file && !n.sorted.length) treeOrder.push(n); n.sorted.forEach(walk); })(treeRoot);
  treeOrder.forEach((n, at) => { n.at = at; n.file.node = n; });
  return [width, height];
}

// The areas are painted once, and the chosen file's frame over a copy of that.
let treeSize = [0, 0];
const treePainting = document.createElement('canvas');
const frameLater = later(frameTree);
function drawTree() {
  treeSize = layTree();
  paintTree();
  frameTree();
  const crumbs = [];
  for (let n = treeRoot; n; n = n.parent) crumbs.unshift(n);
  $('crumbs').replaceChildren(...crumbs.map((n, i) => {
    const name = n.name || 'all', last = i === crumbs.length - 1;
    const b = make('button', last ? { type: 'button', 'aria-current': 'true' } : { type: 'button' }, make('bdi', {}, name));
    b.addEventListener('click', () => enter(n));
    return b;
  }), make('span', { class: 'note' }, plural(treeOrder.length, 'file') + ', ' + areaText(treeRoot)));
}

const areaText = n => size(n.area) + { length: '', size: ' of files', heap: ' of heap' }[$('metric').value];

// enter makes a folder the whole of the treemap.
function enter(node) {
  treeRoot = node;
  drawTree();
  showInTree(chosen);
}

function paintTree() {
  const [width, height] = treeSize;
  const c = prepare(treePainting, width, height);
  c.textBaseline = 'middle';
  const paint = n => {
    if (!n.box) return;
    const [x, y, w, h] = n.box;
    if (!n.file || n.sorted.length) {
      c.fillStyle = colours.paper;
      c.fillRect(x, y, w, h);
      c.strokeStyle = colours.line;
      c.strokeRect(x + 0.5, y + 0.5, w - 1, h - 1);
      if (n !== treeRoot && w > 44 && h > 34) {
        c.font = '600 11px ' + colours.font;
        c.fillStyle = colours.ink;
        const name = n.name + '/';
        const text = fit(c, w > 150 ? name + '  ' + size(n.area) : name, w - 8);
        if (text) c.fillText(text, x + 4, y + 9.5);
      }
      n.sorted.forEach(paint);
      return;
    }
    c.fillStyle = fill(n.file.k);
    c.fillRect(x, y, w, h);
    if (w > 2 && h > 2) {
      c.strokeStyle = colours.paper;
      c.strokeRect(x + 0.25, y + 0.25, w - 0.5, h - 0.5);
    }
    if (w > 34 && h > 15) {
      c.font = '11px ' + colours.font;
      c.fillStyle = colours.ontop;
      const text = fit(c, n.name, w - 8);
      if (text) c.fillText(text, x + 4, y + (h > 32 ? 10 : h / 2));
      if (text && h > 32) c.fillText(fit(c, size(n.area), w - 8), x + 4, y + 24);
    }
  };
  paint(treeRoot);
}

function frameTree() {
  const [width, height] = treeSize;
  const c = prepare($('tree'), width, height);
  c.drawImage(treePainting, 0, 0, width, height);
  const n = chosen >= 0 && files[chosen].node;
  if (n && n.box) {
    const [x, y, w, h] = n.box;
    c.lineWidth = 4;
    c.strokeStyle = colours.paper;
    c.strokeRect(x + 1, y + 1, Math.max(w - 2, 4), Math.max(h - 2, 4));
    c.lineWidth = 2;
    c.strokeStyle = colours.ink;
    c.strokeRect(x + 1, y + 1, Math.max(w - 2, 4), Math.max(h - 2, 4));
    c.lineWidth = 1;
  }
}

const sayNode = at => {
  const n = treeOrder[at];
  return n.file.p + ', ' + n.file.kind + ', ' + areaText(n);
};

function startTree() {
  // An image in a file is a folder here: its own bytes are those of its files.
  for (const f of present) f.nested = f.k === 'image' && present.some(g => g.p.startsWith(f.p + '/'));
  if (data.ram) $('metric').append(make('option', { value: 'heap' }, 'heap of its import'));
  tree = treeRoot = buildTree();
  const list = $('tree-list');
  drawTreeOption = listbox(list, () => treeOrder.length, sayNode);
  $('metric').addEventListener('change', () => { drawTree(); showInTree(chosen); });
  list.addEventListener('keydown', e => {
    const n = chosen >= 0 ? files[chosen].node : null;
    if (e.key === 'Enter' && chosen >= 0) { showInTable(chosen, true); e.preventDefault(); return; }
    const to = step(e.key, n && treeOrder[n.at] === n ? n.at : -1, treeOrder.length, 20);
    if (to < 0) return;
    e.preventDefault();
    choose(treeOrder[to].file.i, 'tree');
  });
  const at = (x, y) => {
    let n = treeRoot;
    for (;;) {
      const inner = n.sorted.find(k => k.box && x >= k.box[0] && x < k.box[0] + k.box[2] && y >= k.box[1] && y < k.box[1] + k.box[3]);
      if (!inner) return n;
      n = inner;
    }
  };
  list.addEventListener('mousemove', e => {
    const n = at(e.offsetX, e.offsetY);
    list.title = n.path ? n.path + (n.sorted.length ? '/' : '') + ': ' + areaText(n) : '';
  });
  list.addEventListener('click', e => {
    const n = at(e.offsetX, e.offsetY);
    if (n.sorted.length) { if (n !== treeRoot) enter(n); } else if (n.file) choose(n.file.i, 'tree');
  });
  list.addEventListener('focus', () => { if (chosen < 0 && treeOrder.length) choose(treeOrder[0].file.i, 'tree'); });
  listeners.push(showInTree);
}

// showInTree frames a file and says what it is, where it is in the folder.
function showInTree(i) {
  const n = i >= 0 ? files[i].node : null;
  drawTreeOption(n && treeOrder[n.at] === n ? n.at : -1);
  frameLater();
}
