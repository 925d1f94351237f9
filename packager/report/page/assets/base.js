'use strict';
// What all parts of the page share: the model, the chosen file, and small helpers.
const data = JSON.parse(document.getElementById('data').textContent);
const $ = id => document.getElementById(id);

// make returns an element with attributes and children; a text child is text.
function make(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// size writes a number of bytes as romfs does elsewhere: halves go to the even digit.
function size(n) {
  const tenths = unit => {
    const x = n * 10 / unit, down = Math.floor(x), rest = x - down;
    const t = down + (rest > 0.5 || rest === 0.5 && down % 2 === 1 ? 1 : 0);
    return Math.floor(t / 10) + '.' + t % 10;
  };
  if (n < 1024) return n + ' B';
  const units = ['KiB', 'MiB', 'GiB'], texts = units.map((_, i) => tenths(1024 ** (i + 1)));
  const i = texts.findIndex(text => parseFloat(text) < 1024);
  return texts.at(i) + ' ' + units.at(i);
}

const number = n => n.toLocaleString('en-US');
const hex = n => '0x' + n.toString(16).toUpperCase().padStart(6, '0');
const plural = (n, noun) => number(n) + ' ' + noun + (n === 1 ? '' : 's');

// kinds names what bytes are, in the order of the legend.
const kinds = {
  mpy: 'bytecode', source: 'Python source', data: 'data', image: 'nested image', header: 'header', record: 'heads and names',
  padding: 'padding', free: 'free', skipped: 'skipped by readers', beyond: 'beyond the partition', gone: 'gone',
};

// files are the model's, those that are in the image also by offset and by path.
const files = data.files;
files.forEach((f, i) => { f.i = i; f.kind = kinds[f.k]; });
const present = files.filter(f => f.k !== 'gone');
const byOffset = present.slice().sort((a, b) => a.r - b.r || a.i - b.i);
byOffset.forEach((f, i) => { f.place = i; });

// blocksOf returns the first and last erase block that a file's record lies in.
function blocksOf(f) {
  if (!data.erase) return null;
  return [Math.floor(f.r / data.erase), Math.floor((f.r + Math.max(f.rs, 1) - 1) / data.erase)];
}

// misaligned tells if a file has less alignment than its board needs.
const misaligned = f => Boolean(f.s && Math.max(f.nd || 1, f.al || 1) > (f.gv || 1));

// choose makes a file the chosen one; the parts of the page listen.
let chosen = -1;
const listeners = [];
function choose(i, from) {
  if (i === chosen) return;
  chosen = i;
  for (const l of listeners) l(i, from);
}

// A list box of which only the chosen option is there: a screen reader is told
// which of how many it is. say describes the file that is at a place.
function listbox(element, count, say) {
  let option = null;
  return at => {
    if (option) option.remove();
    option = null;
    element.removeAttribute('aria-activedescendant');
    if (at < 0) return null;
    option = make('div', {
      role: 'option', id: element.id + '-' + at, 'aria-selected': 'true', 'aria-setsize': count(), 'aria-posinset': at + 1, class: 'option',
    }, say(at));
    element.append(option);
    element.setAttribute('aria-activedescendant', option.id);
    return option;
  };
}

// step returns where a key leads from a place among so many, or -1.
function step(key, at, count, page) {
  const to = {
    ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1,
    PageDown: at + page, PageUp: at - page, Home: 0, End: count - 1,
  }[key];
  if (to === undefined || !count) return -1;
  return Math.max(0, Math.min(count - 1, at < 0 ? (key === 'End' ? count - 1 : 0) : to));
}

// later makes a drawing happen once before the next frame, however often it is
// asked for.
function later(draw) {
  let due = false;
  return () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; draw(); });
  };
}

// prepare makes a canvas ready for so many CSS pixels.
function prepare(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  canvas.style.width = width + 'px';
  canvas.style.height = height + 'px';
  const c = canvas.getContext('2d');
  c.setTransform(scale, 0, 0, scale, 0, 0);
  c.clearRect(0, 0, width, height);
  return c;
}
