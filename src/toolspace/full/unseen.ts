// Servers of toolspace full that are kept for the unseen split.
import { CALCULATOR_REQUESTS } from '../requests/calculator.ts';
import { COOKBOOK_REQUESTS } from '../requests/cookbook.ts';
import { DRIVE_REQUESTS } from '../requests/drive.ts';
import { LODGING_REQUESTS } from '../requests/lodging.ts';
import { MEDLINE_REQUESTS } from '../requests/medline.ts';
import { MEMORY_GRAPH_REQUESTS } from '../requests/memory-graph.ts';
import { OPEN_BOOKS_REQUESTS } from '../requests/open-books.ts';
import { PLANNER_REQUESTS } from '../requests/planner.ts';
import { SHELL_REQUESTS } from '../requests/shell.ts';
import { STREET_MAP_REQUESTS } from '../requests/street-map.ts';
import { WEB_SEARCH_REQUESTS } from '../requests/web-search.ts';
import { calculator } from '../servers/calculator.ts';
import { cookbook } from '../servers/cookbook.ts';
import { drive } from '../servers/drive.ts';
import { lodging } from '../servers/lodging.ts';
import { medline } from '../servers/medline.ts';
import { memoryGraph } from '../servers/memory-graph.ts';
import { openBooks } from '../servers/open-books.ts';
import { planner } from '../servers/planner.ts';
import { shell } from '../servers/shell.ts';
import { streetMap } from '../servers/street-map.ts';
import { webSearch } from '../servers/web-search.ts';
import type { BuiltIn } from './built-in.ts';

export const UNSEEN: readonly BuiltIn[] = [
  { server: calculator, requests: CALCULATOR_REQUESTS },
  { server: shell, requests: SHELL_REQUESTS },
  { server: drive, requests: DRIVE_REQUESTS },
  { server: memoryGraph, requests: MEMORY_GRAPH_REQUESTS },
  { server: openBooks, requests: OPEN_BOOKS_REQUESTS },
  { server: streetMap, requests: STREET_MAP_REQUESTS },
  { server: medline, requests: MEDLINE_REQUESTS },
  { server: lodging, requests: LODGING_REQUESTS },
  { server: webSearch, requests: WEB_SEARCH_REQUESTS },
  { server: cookbook, requests: COOKBOOK_REQUESTS },
  { server: planner, requests: PLANNER_REQUESTS },
];
