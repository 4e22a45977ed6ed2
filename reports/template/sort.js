// Tables of the class `sortable` get a button in each heading; without this script they are plain tables.
"use strict";

const key = (row, column) => {
  const cell = row.cells[column];
  const text = cell.dataset.key ?? cell.textContent.replaceAll(",", "").replace("−", "-");
  const number = Number.parseFloat(text);
  return Number.isNaN(number) ? null : number;
};

const compare = (column, sign) => (a, b) => {
  const [x, y] = [key(a, column), key(b, column)];
  if (x === null || y === null) return (x === null) - (y === null); // a missing number comes last, either way
  return sign * (x - y);
};

const sort = (heading) => {
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const body = heading.closest("table").tBodies[0];
  const rows = [...body.rows].sort(compare(heading.cellIndex, descending ? -1 : 1));
  body.append(...rows);
  for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
};

for (const heading of document.querySelectorAll("table.sortable thead th")) {
  const button = document.createElement("button");
  button.type = "button";
  button.append(...heading.childNodes);
  button.addEventListener("click", () => sort(heading));
  heading.append(button);
}
