// Servers of toolspace full about what is read, written and looked at.
import { LIBRARY_REQUESTS } from '../requests/library.ts';
import { MOVIES_REQUESTS } from '../requests/movies.ts';
import { MUSEUM_REQUESTS } from '../requests/museum.ts';
import { NEWS_REQUESTS } from '../requests/news.ts';
import { PAPERS_REQUESTS } from '../requests/papers.ts';
import { RECIPES_REQUESTS } from '../requests/recipes.ts';
import { WIKI_REQUESTS } from '../requests/wiki.ts';
import { library } from '../servers/library.ts';
import { movies } from '../servers/movies.ts';
import { museum } from '../servers/museum.ts';
import { news } from '../servers/news.ts';
import { papers } from '../servers/papers.ts';
import { recipes } from '../servers/recipes.ts';
import { wiki } from '../servers/wiki.ts';
import type { BuiltIn } from './built-in.ts';

export const READING: readonly BuiltIn[] = [
  { server: library, requests: LIBRARY_REQUESTS },
  { server: wiki, requests: WIKI_REQUESTS },
  { server: museum, requests: MUSEUM_REQUESTS },
  { server: papers, requests: PAPERS_REQUESTS },
  { server: news, requests: NEWS_REQUESTS },
  { server: recipes, requests: RECIPES_REQUESTS },
  { server: movies, requests: MOVIES_REQUESTS },
];
