import { serveEngine } from "../../src/worker/serve";
import { FakeEngine } from "./fake-engine";

serveEngine(() => new FakeEngine());
