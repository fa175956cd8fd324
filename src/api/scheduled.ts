import { LabOperations, type Operation } from "./lab-operations";

/** Operations that happen when a time has come. */
export class ScheduledOperations extends LabOperations {
  readonly #schedule: (action: () => Promise<void>) => void;
  readonly #run: <T>(operation: Operation<T>) => Promise<T>;

  constructor(schedule: (action: () => Promise<void>) => void, run: <T>(operation: Operation<T>) => Promise<T>) {
    super();
    this.#schedule = schedule;
    this.#run = run;
  }

  protected override operate<T>(operation: Operation<T>): Promise<T> {
    const outcome = new Promise<T>((resolve, reject) => {
      this.#schedule(() => {
        const done = this.#run(operation);
        done.then(resolve, reject);
        return done.then(() => undefined);
      });
    });
    // The run in which it happens fails with it: nobody has to wait here.
    outcome.catch(() => undefined);
    return outcome;
  }
}
