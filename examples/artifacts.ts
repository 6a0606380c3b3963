/** Artifacts are what people should see of a run: tables, markdown, links, kept with the run that made them. */
import { createMarkdownArtifact, createTableArtifact, flow } from "sluice";

const report = flow("report", async () => {
  const rows = [
    { region: "north", sales: 120 },
    { region: "south", sales: 80 },
  ];
  await createTableArtifact({ key: "sales", table: rows, description: "Sales by region" });
  const total = rows.reduce((sum, row) => sum + row.sales, 0);
  await createMarkdownArtifact({ key: "sales-note", markdown: `# Sales\n\n${total} in total.` });
  return total;
});

console.log(await report());

// Output:
// 200
