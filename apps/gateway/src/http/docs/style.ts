/** How the pages look: light or dark as the reader's system is, from a telephone's width up. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: light-dark(#ffffff, #12151b);
  --raised: light-dark(#f6f7f9, #1a1e26);
  --sunk: light-dark(#f2f4f7, #0d1016);
  --line: light-dark(#e2e6ec, #2a303b);
  --ink: light-dark(#1c2330, #dfe4ec);
  --soft: light-dark(#586174, #98a2b3);
  --accent: light-dark(#1d4ed8, #84adff);
  --mark: light-dark(#fff3c4, #3a3213);
  --get: light-dark(#166c3b, #6ee7a0);
  --post: light-dark(#1d4ed8, #84adff);
  --patch: light-dark(#9a5b00, #f5c26b);
  --delete: light-dark(#b42318, #fda29b);
  --mono: ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace;
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4.5rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, -apple-system, 'Segoe UI', sans-serif; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
code, pre, kbd { font-family: var(--mono); font-size: .86em; }
code { background: var(--sunk); border-radius: 4px; padding: .1em .3em; overflow-wrap: anywhere; }
[hidden] { display: none !important; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; z-index: 3; background: var(--paper); padding: .3rem .6rem; }

.top { position: sticky; top: 0; z-index: 2; display: flex; gap: 1rem 2rem; align-items: center; padding: .7rem 1.5rem; background: var(--paper); border-bottom: 1px solid var(--line); }
.brand { color: var(--ink); font-weight: 700; font-size: 1.1rem; white-space: nowrap; }
.brand span { color: var(--soft); font-weight: 400; font-size: .8rem; margin-left: .4rem; }
.top nav { display: flex; gap: 1.3rem; margin-left: auto; overflow-x: auto; }
.top nav a { color: var(--soft); font-size: .92rem; }
.top nav a[aria-current] { color: var(--ink); font-weight: 600; }

.frame { display: grid; grid-template-columns: 17.5rem minmax(0, 1fr); max-width: 92rem; margin: 0 auto; }
aside { position: sticky; top: 3.2rem; align-self: start; height: calc(100vh - 3.2rem); overflow-y: auto; padding: 1.2rem .6rem 3rem 1.5rem; border-right: 1px solid var(--line); overscroll-behavior: contain; }
.search { position: relative; display: block; }
.search span { position: absolute; left: -99rem; }
.search input { width: 100%; font: inherit; font-size: .92rem; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 8px; padding: .45rem 2rem .45rem .7rem; }
.search kbd { position: absolute; right: .6rem; top: 50%; transform: translateY(-50%); color: var(--soft); border: 1px solid var(--line); border-radius: 4px; padding: 0 .35rem; background: var(--paper); }
.contents > summary { display: none; }
.contents section { margin-top: 1.1rem; }
.contents a { display: flex; gap: .5rem; align-items: baseline; padding: .16rem .5rem; border-radius: 6px; color: var(--soft); font-size: .86rem; line-height: 1.4; overflow-wrap: anywhere; }
.contents a:hover { background: var(--raised); text-decoration: none; color: var(--ink); }
.contents a[aria-current] { background: var(--raised); color: var(--ink); }
.contents a.group { color: var(--ink); font-weight: 600; font-size: .9rem; }
.contents .method { flex: none; width: 2.6rem; font-size: .64rem; }

main { padding: 2rem 2.5rem 6rem; min-width: 0; }
h1 { font-size: 2rem; line-height: 1.2; margin: .2rem 0 .8rem; letter-spacing: -.02em; }
h2 { font-size: 1.45rem; margin: 3.2rem 0 .2rem; padding-top: 1.4rem; border-top: 1px solid var(--line); letter-spacing: -.01em; }
h3 { font-size: 1.08rem; margin: 0; }
h4 { font-size: .78rem; text-transform: uppercase; letter-spacing: .06em; color: var(--soft); margin: 1.5rem 0 .4rem; }
.lead { font-size: 1.08rem; color: var(--soft); max-width: 46rem; margin-top: 0; }
.basics { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: .9rem; margin: 1.6rem 0; }
.basics > div { border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem; background: var(--raised); }
.basics h3 { font-size: .95rem; }
.basics p { margin: .25rem 0 0; font-size: .9rem; color: var(--soft); }

.operation { padding: 1.8rem 0 1.4rem; border-bottom: 1px solid var(--line); }
.operation > header { display: flex; flex-wrap: wrap; gap: .5rem .8rem; align-items: center; }
.operation > header code { background: none; padding: 0; font-size: .95rem; }
.operation > p { margin: .3rem 0 .2rem; max-width: 46rem; }
.access { color: var(--soft); font-size: .88rem; }
.method { font: 700 .72rem var(--mono); letter-spacing: .03em; }
header .method { border: 1px solid currentColor; border-radius: 5px; padding: .12rem .45rem; }
.get { color: var(--get); } .post { color: var(--post); } .patch, .put { color: var(--patch); } .delete { color: var(--delete); }
.anchor { color: inherit; }
.halves { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 2.2rem; align-items: start; }
.samples { position: sticky; top: 4.4rem; }

dl.fields { margin: 0; }
dl.fields > div { padding: .5rem 0; border-top: 1px solid var(--line); }
dl.fields > div:first-child { border-top: 0; }
dt { display: flex; flex-wrap: wrap; gap: .1rem .6rem; align-items: baseline; }
dt code { background: none; padding: 0; font-weight: 600; font-size: .9rem; }
dt small { color: var(--soft); font-size: .78rem; overflow-wrap: anywhere; }
dt .must { color: var(--delete); font-size: .74rem; }
dd { margin: .1rem 0 0; color: var(--soft); font-size: .9rem; }
details.more { margin: .3rem 0 0; }
details.more > summary { cursor: pointer; color: var(--accent); font-size: .85rem; width: max-content; max-width: 100%; }
details.more > dl, details.more > .choice { margin-left: .3rem; padding-left: .8rem; border-left: 2px solid var(--line); }
.choice > p { margin: .5rem 0 0; font-size: .82rem; color: var(--soft); }

figure { margin: 1.1rem 0 0; border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--sunk); }
figcaption { display: flex; align-items: center; gap: .6rem; padding: .35rem .8rem; font-size: .8rem; color: var(--soft); border-bottom: 1px solid var(--line); background: var(--raised); }
figcaption button { margin-left: auto; font: inherit; font-size: .75rem; color: var(--soft); background: none; border: 1px solid var(--line); border-radius: 5px; padding: .05rem .5rem; cursor: pointer; }
figcaption button:hover { color: var(--ink); }
pre { margin: 0; padding: .8rem; overflow: auto; max-height: 26rem; font-size: .8rem; line-height: 1.55; tab-size: 2; }
pre code { background: none; padding: 0; font-size: inherit; overflow-wrap: normal; }
pre i { font-style: normal; }
pre .k { color: var(--post); } pre .s { color: var(--get); } pre .v { color: var(--patch); }

.status { font: 600 .86rem var(--mono); }
.ok { color: var(--get); } .bad { color: var(--delete); }
ul.answers { list-style: none; margin: 0; padding: 0; }
ul.answers > li { padding: .4rem 0; font-size: .9rem; color: var(--soft); }
ul.answers small { display: block; }
.codes { display: flex; flex-wrap: wrap; gap: .3rem .5rem; margin: .2rem 0 .4rem; }
.codes a { font: .76rem var(--mono); border: 1px solid var(--line); border-radius: 5px; padding: .05rem .4rem; color: var(--ink); }

.error { padding: 1.1rem 1.2rem; margin: 0 0 .9rem; border: 1px solid var(--line); border-radius: 10px; }
.error:target { background: var(--mark); } .operation:target > header { box-shadow: -.8rem 0 0 var(--paper), -1rem 0 0 var(--accent); }
.error header { display: flex; flex-wrap: wrap; gap: .2rem .8rem; align-items: baseline; }
.error h3 code { background: none; padding: 0; font-size: 1rem; }
.error dl { display: grid; grid-template-columns: 5rem minmax(0, 1fr); gap: .3rem 1rem; margin: .6rem 0 0; font-size: .93rem; }
.error dt { color: var(--soft); } .error dd { margin: 0; color: inherit; font-size: inherit; }
.again { font-size: .78rem; color: var(--get); border: 1px solid currentColor; border-radius: 99px; padding: 0 .6rem; }
.entry h2 { font-size: 1.25rem; } .entry .version { font-size: .78rem; color: var(--soft); font-weight: 400; border: 1px solid var(--line); border-radius: 99px; padding: .1rem .7rem; margin-left: .7rem; vertical-align: middle; }
.entry li { margin: .35rem 0; max-width: 46rem; }
.nothing { color: var(--soft); padding: 3rem 0; text-align: center; }

@media (max-width: 78rem) { .halves { grid-template-columns: minmax(0, 1fr); gap: 0; } .samples { position: static; } }
@media (max-width: 61rem) {
  .frame { display: block; }
  .top { flex-wrap: wrap; padding: .6rem 1rem; gap: .2rem 1rem; }
  .top nav { margin-left: 0; width: 100%; gap: 1.1rem; }
  html { scroll-padding-top: 6rem; }
  aside { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); padding: .8rem 1rem; }
  .search kbd { display: none; }
  .contents > summary { display: block; cursor: pointer; padding: .6rem 0 0; font-size: .9rem; color: var(--accent); }
  .contents nav { max-height: 60vh; overflow-y: auto; }
  main { padding: 1.2rem 1rem 4rem; }
  h1 { font-size: 1.6rem; }
  .error dl { grid-template-columns: minmax(0, 1fr); gap: 0; } .error dd { margin-bottom: .4rem; }
}
@media print { aside, .top nav, figcaption button { display: none; } .frame { display: block; } }
`;
