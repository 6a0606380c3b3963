/**
 * Finds the circles of a directed graph, each once, as a path that names its first node again at its end.
 *
 * One circle is reported for each strongly connected part, which is enough to see and cut it.
 *
 * @param arrows the nodes that each node points to; nodes that only are pointed to may lack
 */
export function findCircles(arrows: ReadonlyMap<string, Iterable<string>>): string[][] {
  const finished = new Set<string>();
  const circles: string[][] = [];
  const visit = (node: string, path: string[]): void => {
    const start = path.indexOf(node);
    if (start >= 0) circles.push([...path.slice(start), node]);
    if (start >= 0 || finished.has(node)) return;
    path.push(node);
    for (const next of arrows.get(node) ?? []) visit(next, path);
    path.pop();
    finished.add(node);
  };
  for (const node of arrows.keys()) visit(node, []);
  return circles;
}
