/** The benchmarks' modules, which are no part of the tests' own compilation. */

const root = new URL('../../../', import.meta.url)
let compiling: Promise<void> | undefined

/** Imports one by its path below `bench`, compiled anew if it has changed. */
export async function compiled<Module>(path: string): Promise<Module> {
  compiling ??= import(new URL('bench/build.js', root).href).then((build) =>
    build.compileBenchmarks(),
  )
  await compiling
  return import(new URL(`build/bench/${path}`, root).href)
}
