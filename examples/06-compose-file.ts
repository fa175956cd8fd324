/**
 * A Compose file: `dockwire run` in a program of your own. The result is the same kind of description as that of `docker(…)`,
 * and can be built on.
 *
 * npm run example -- 06
 */
import { readFile } from "node:fs/promises";
import { buildReport, renderText } from "dockwire/report";
import { compose, formatNotice } from "dockwire/compose";

const file = "examples/shop/compose.yaml";
const shop = compose(await readFile(file, "utf8"), {
  file,
  onNotice: (notice) => console.log(`note: ${formatNotice(notice)}`),
});

await using lab = await shop.start();
const result = await lab.run({ for: "2s" });
console.log(renderText(buildReport({ topology: lab.describe(), result })));
