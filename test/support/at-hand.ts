/** Tests compile at once whatever they describe, as Node does. */
import { haveAllAtHand } from "../../src/api/at-hand";

haveAllAtHand();
