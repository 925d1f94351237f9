// Start, and draw anew when the window, the colours or the medium change.
function drawAll() {
  readColours();
  drawStrip();
  drawMap();
  drawTree();
  drawRows();
}

$('views').hidden = false;
readColours();
drawLegend();
startMap();
startTree();
startTable();
listeners.push(later(showDetails));
drawAll();

let pending = 0;
new ResizeObserver(() => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(drawAll);
}).observe($('views'));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
for (const [event, printing] of [['beforeprint', true], ['afterprint', false]]) {
  addEventListener(event, () => {
    document.documentElement.classList.toggle('printing', printing);
    shownFrom = -1;
    drawAll();
  });
}
