/** Options of Node that must not be passed on: they take over the entry, hold it at a breakpoint, or bind a port that the parent has. */
const NOT_INHERITED =
  /^--?(?:e|eval|p|print|pe|c|check|i|interactive|input-type|inspect(?:-[a-z-]+)?|debug-port|watch(?:-[a-z-]+)?|test(?:-[a-z-]+)?|run|build-sea|entry-url)(?:=|$)/;
/** Those of them whose value stands in the next argument. */
const WITH_VALUE = /^--?(?:e|eval|p|print|pe|input-type|watch-path|test-[a-z-]+|run|inspect-port|debug-port)$/;

/** Gives the options of this Node that its workers are to have too: loaders, memory limits, conditions, permissions. */
export function inheritedExecArgv(execArgv: readonly string[]): string[] {
  const inherited: string[] = [];
  for (let index = 0; index < execArgv.length; index++) {
    const option = execArgv[index] ?? "";
    if (!NOT_INHERITED.test(option)) inherited.push(option);
    else if (WITH_VALUE.test(option)) index += 1;
  }
  return inherited;
}
