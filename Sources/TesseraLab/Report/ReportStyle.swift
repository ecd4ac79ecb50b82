/// The looks of pages and charts.
///
/// The colours of series keep their distance for the three kinds of colour blindness (9 units of OKLab times 100 and more between any
/// two, simulated after Machado and others, 2009) and have a contrast of at least 3 to 1 with their ground, in light and in dark.
enum ReportStyle {
  static let colors = """
    :root{color-scheme:light dark;--page:#f6f6f4;--surface:#fff;--ink:#1b1c1f;--soft:#5b5f67;--line:#d9d9d4;--grid:#e8e8e4;\
    --link:#2048b8;--good:#0a6b43;--good-ground:#e3f3ea;--bad:#a3231b;--bad-ground:#fbe7e4;--idle:#54585f;--idle-ground:#ececea;\
    --s0:#2d5bd0;--s1:#e0480c;--s2:#009e96;--s3:#a3329a;--s4:#3a3d42;--rest:#a2a5ab}
    @media screen and (prefers-color-scheme:dark){:root{--page:#101114;--surface:#17181b;--ink:#e8e8ea;--soft:#a5a8b0;--line:#34363b;\
    --grid:#26282c;--link:#93b4ff;--good:#6fd6a4;--good-ground:#12301f;--bad:#ff9d92;--bad-ground:#3d1613;--idle:#b3b6bd;\
    --idle-ground:#292b30;--s0:#7aa2ff;--s1:#f79a4b;--s2:#16d5c0;--s3:#cf6ca6;--s4:#e6e7ea;--rest:#6c7078}}

    """

  static let charts = """
    .chart{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;\
    font-variant-numeric:tabular-nums}
    .chart text{fill:var(--soft)}.chart .name{fill:var(--ink)}.chart .legend,.chart .plate{fill:var(--ink)}
    .chart .plate,.chart .direct{paint-order:stroke;stroke:var(--surface);stroke-width:4px;stroke-linejoin:round}
    .chart .value{font-weight:600}.chart .direct{fill:var(--ink);font-weight:600}
    .grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.s0{--c:var(--s0)}.s1{--c:var(--s1)}.s2{--c:var(--s2)}
    .s3{--c:var(--s3)}\
    .s4{--c:var(--s4)}.rest{--c:var(--rest)}
    .line{fill:none;stroke:var(--c);stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
    .line.rest{stroke-width:1;opacity:.6}
    .dashed{stroke-dasharray:6 4}.thread{stroke:var(--c);stroke-width:1;opacity:.7}
    .band{fill:var(--c);opacity:.16}.band.rest{opacity:.05}.dot{fill:var(--c);stroke:var(--surface);stroke-width:1.5;\
    stroke-dasharray:none}
    .bar{fill:var(--c)}.bar.s0{opacity:.85}.bar.rest{opacity:.55}.range{stroke:var(--ink);stroke-width:1.5}
    .seed{fill:var(--surface);stroke:var(--ink);stroke-width:1.5}.bound{fill:none;stroke:var(--ink);stroke-width:2}

    """

  static let page = """
    *{box-sizing:border-box}html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--page);color:var(--ink);overflow-wrap:anywhere;\
    font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
    main,.top{max-width:1120px;margin:0 auto;padding:0 16px}.top{padding-top:28px}
    h1{font-size:1.75rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.25rem;line-height:1.3;margin:0}
    h3{font-size:.95rem;margin:20px 0 6px}p{margin:0 0 8px;max-width:72ch}a{color:var(--link)}
    .soft{color:var(--soft)}.small{font-size:.875rem}code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace}
    .card{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:20px;margin:20px 0;scroll-margin-top:12px}
    .tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:20px 0}
    .tile{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
    .tile b{display:block;font-size:1.5rem;line-height:1.2;font-variant-numeric:tabular-nums}
    .tile span{color:var(--soft);font-size:.875rem}
    .head{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center;margin-bottom:8px}
    .claim{font-size:1.05rem;margin-bottom:14px}
    .badge{display:inline-block;white-space:nowrap;border-radius:999px;padding:1px 10px;font-size:.8125rem;font-weight:600}
    .holds{color:var(--good);background:var(--good-ground)}.fails{color:var(--bad);background:var(--bad-ground)}\
    .idle{color:var(--idle);background:var(--idle-ground)}
    dl{margin:0;display:grid;grid-template-columns:minmax(84px,max-content) minmax(0,1fr);gap:4px 16px}
    dt{color:var(--soft)}dd{margin:0}
    .charts{display:grid;align-items:start;grid-template-columns:repeat(auto-fill,minmax(min(100%,380px),1fr));gap:24px;margin:8px 0}
    figure{margin:0;max-width:520px;min-width:0}figcaption{font-weight:600;margin-bottom:8px}
    figcaption .soft{font-weight:400;font-size:.875rem}
    table{border-collapse:collapse;width:100%;font-size:.9rem;font-variant-numeric:tabular-nums}
    th,td{text-align:left;vertical-align:top;padding:6px 18px 6px 0;border-bottom:1px solid var(--line)}
    th{color:var(--soft);font-weight:600}th.number,td.number{text-align:right;white-space:nowrap}
    tr>:last-child{padding-right:0}
    tbody tr:last-child td{border-bottom:0}td .role{color:var(--soft);font-weight:400}
    th button{all:unset;cursor:pointer;color:inherit;font-weight:600}
    th button:focus-visible{outline:2px solid var(--link);outline-offset:2px}
    th button::after{content:" \\2195";opacity:.45}th[aria-sort=ascending] button::after{content:" \\2191";opacity:1}\
    th[aria-sort=descending] button::after{content:" \\2193";opacity:1}
    .scroll{overflow-x:auto;max-width:100%}details{margin-top:8px;font-size:.875rem}
    summary{cursor:pointer;color:var(--soft)}
    details .scroll{max-height:320px;overflow-y:auto;margin-top:6px}
    .run{margin-top:18px;padding-top:12px;border-top:1px solid var(--line);font-size:.875rem;color:var(--soft)}
    .samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,150px),1fr));gap:16px;margin-top:8px}
    .samples figure{font-size:.8125rem}.samples .wide{grid-column:1/-1;max-width:none}.samples img{display:block;max-width:100%;height:auto;image-rendering:pixelated;\
    border:1px solid var(--line);border-radius:4px;margin-bottom:4px}.samples audio{width:100%}
    .samples blockquote{margin:0 0 4px;padding:8px 10px;background:var(--page);border-radius:6px;max-height:9.5em;overflow:hidden}
    footer{max-width:1120px;margin:0 auto;padding:8px 16px 40px;color:var(--soft);font-size:.875rem}
    @media (min-width:641px){td:first-child{min-width:8em}}
    @media (max-width:640px){.card{padding:16px}.charts{gap:20px}
    .stack thead{display:none}.stack,.stack tbody,.stack tr,.stack td{display:block;width:auto}
    .stack tr{padding:10px 0;border-bottom:1px solid var(--line)}.stack tr:last-child{border-bottom:0}
    .stack td,.stack td.number{border:0;padding:1px 0;text-align:left;display:grid;grid-template-columns:104px minmax(0,1fr);gap:12px}
    .stack td::before{content:attr(data-label);color:var(--soft)}
    .stack td:first-child{display:block;font-weight:600;margin-bottom:2px}
    .stack td:first-child::before{content:none}.stack td:empty{display:none}.stack td.number{white-space:normal}
    .stack td.compact{display:inline-block;margin-right:14px;color:var(--soft)}
    .stack td.compact::before{margin-right:6px}.stack .badge{justify-self:start}
    dl{grid-template-columns:minmax(0,1fr);gap:0}dd{margin-bottom:8px}}
    @media print{body{background:none;font-size:10.5pt}main,.top,footer{max-width:none;padding:0}
    .card{border:0;border-top:1px solid #999;\
    border-radius:0;padding:12px 0;margin:12px 0}.charts{grid-template-columns:1fr 1fr}
    figure,tr,.tile{break-inside:avoid}h2,h3,.head{break-after:avoid}\
    details,audio{display:none}th button::after{content:none}a{color:inherit;text-decoration:none}
    *{print-color-adjust:exact;-webkit-print-color-adjust:exact}}

    """

  /// Sorts a table when one of its headings is pressed. Without scripts there are no buttons, and everything else is the same.
  static let script = """
    for (const table of document.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
      heads.forEach((head, column) => {
        const button = document.createElement("button");
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => {
          const down = head.getAttribute("aria-sort") === "ascending";
          for (const other of heads) other.removeAttribute("aria-sort");
          head.setAttribute("aria-sort", down ? "descending" : "ascending");
          const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
          const order = (a, b) => {
            const x = key(a), y = key(b), m = Number(x), n = Number(y);
            if (x !== "" && y !== "" && !isNaN(m) && !isNaN(n)) return m - n;
            return x.localeCompare(y, undefined, { numeric: true });
          };
          const rows = [...body.rows].sort(order);
          if (down) rows.reverse();
          body.append(...rows);
        });
      });
    }
    """
}
